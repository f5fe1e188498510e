import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Endpoint } from "../../scripts/client/endpoints.ts";
import { exchangeRaw, rawRequest } from "../../scripts/client/raw-http.ts";
import { createSignedClient, macOf, type SignedRequest } from "../../scripts/client/signed-client.ts";
import { createSignatureVerifier } from "../../src/protocol/signature.ts";
import { withoutReplayGuard } from "../../src/replay/replay-guard.ts";
import { storeWhichFails } from "../support/failing-store.ts";
import { json, outcomeOf, outcomeOfRaw, problem } from "../support/problems.ts";
import { type RunningApp, sharedSecret, startApp } from "../support/running-app.ts";

const sol = "sol@testmail.com";
const refusal = problem("ERR_SIGNATURE_INVALID");
const endpoints: readonly Endpoint[] = [
  "setOwnIDDataByLoginId",
  "getOwnIDDataByLoginId",
  "getSessionByLoginId",
];

/** Counts what reaches it, and answers none of it. */
function untouchableStore() {
  let touches = 0;
  const touch = (): never => {
    touches += 1;
    throw new Error("the store was asked");
  };
  return { store: storeWhichFails(touch), touches: () => touches };
}

let claims = 0;
const untouchable = untouchableStore();
let app: RunningApp;
let open: RunningApp;
beforeAll(async () => {
  const replayGuard = {
    ...withoutReplayGuard,
    claim: async () => {
      claims += 1;
      return "run" as const;
    },
  };
  app = await startApp({ store: untouchable.store, replayGuard });
  open = await startApp({ users: [{ email: sol, ownIdData: "data" }] });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await open[Symbol.asyncDispose]();
});

function requestFor(endpoint: Endpoint): SignedRequest {
  const { client } = app;
  if (endpoint === "setOwnIDDataByLoginId") return client.sign(endpoint, { loginId: sol, ownIdData: "data" });
  return client.sign(endpoint, { loginId: sol });
}

/** Each is refused with the one 401 on every endpoint, and neither the store nor the replay guard hears of it. */
async function refusesOnAll(tamper: (request: SignedRequest) => readonly SignedRequest[]): Promise<void> {
  const before = { touches: untouchable.touches(), claims };
  for (const endpoint of endpoints) {
    for (const tampered of tamper(requestFor(endpoint))) {
      const answer = await app.client.send(tampered);
      expect(outcomeOf(answer)).toEqual(refusal);
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(answer.headers.get("www-authenticate")).toBeNull();
    }
  }
  expect({ touches: untouchable.touches(), claims }).toEqual(before);
}

const withHeader = (request: SignedRequest, name: string, value: string): SignedRequest => ({
  ...request,
  headers: { ...request.headers, [name]: value },
});

const withSignature = (request: SignedRequest, change: (signature: string) => string) =>
  withHeader(request, "ownid-signature", change(request.headers["ownid-signature"] ?? ""));

describe("200", () => {
  test("the store is asked for what is rightly signed, so the double does tell", async () => {
    const before = untouchable.touches();
    expect((await app.client.send(requestFor("getOwnIDDataByLoginId"))).status).toBe(500);
    expect(untouchable.touches()).toBe(before + 1);
  });

  test("meets a request signed up to 60 seconds ago or ahead", async () => {
    for (const offsetMs of [-60_000, -59_999, 0, 59_999, 60_000]) {
      const timestamp = String(open.clock.nowMs + offsetMs);
      const request = open.client.sign("getOwnIDDataByLoginId", { loginId: sol }, timestamp);
      expect(outcomeOf(await open.client.send(request))).toEqual(json(200, { ownIdData: "data" }));
    }
  });

  test("meets a request signed with either of two live secrets", async () => {
    const newer = new Uint8Array(20).fill(2);
    const now = () => 1_700_000_000_000;
    const sharedSecrets = [sharedSecret, newer];
    await using rotating = await startApp({
      users: [{ email: sol, ownIdData: "data" }],
      verifySignature: createSignatureVerifier({ sharedSecrets, toleranceSeconds: 60, now }),
    });
    for (const [secret, status] of [
      [sharedSecret, 200],
      [newer, 200],
      [new Uint8Array(20).fill(3), 401],
    ] as const) {
      const client = createSignedClient({ baseUrl: rotating.baseUrl, sharedSecret: secret, now });
      expect((await client.get(sol)).status).toBe(status);
    }
  });

  test("meets the body as it was sent: odd white space and all", async () => {
    for (const body of [` {\n\t"loginId" :  "${sol}"\r\n} `, `{"x":"\u2028\u00e9😀","loginId":"${sol}"}`]) {
      const answer = await open.client.send(open.client.sign("getOwnIDDataByLoginId", body));
      expect(outcomeOf(answer)).toEqual(json(200, { ownIdData: "data" }));
    }
  });
});

describe("401", () => {
  test("meets a body that was altered by one byte, removed, added or replaced after signing", async () => {
    await refusesOnAll((request) => [
      ...[0, 1, 11, 14, request.body.length - 1].map((index) => ({
        ...request,
        body: Uint8Array.from(request.body, (byte, at) => (at === index ? byte ^ 1 : byte)),
      })),
      { ...request, body: request.body.subarray(0, -1) },
      { ...request, body: Buffer.concat([request.body, Buffer.from("\n")]) },
      { ...request, body: new Uint8Array() },
      { ...request, body: new TextEncoder().encode('{"loginId":"mia@testmail.com","ownIdData":""}') },
    ]);
  });

  test("meets a body that means the same and is spelled otherwise", async () => {
    await refusesOnAll((request) => {
      const value: unknown = JSON.parse(new TextDecoder().decode(request.body));
      return [{ ...request, body: new TextEncoder().encode(JSON.stringify(value, null, 1)) }];
    });
  });

  test("meets a timestamp that was altered by a millisecond after signing", async () => {
    await refusesOnAll((request) =>
      [-1, 1].map((offsetMs) =>
        withHeader(request, "ownid-timestamp", String(Number(request.headers["ownid-timestamp"]) + offsetMs)),
      ),
    );
  });

  test("meets a request signed more than 60 seconds ago or ahead", async () => {
    await refusesOnAll((request) =>
      [-60_001, -61_000, 60_001, 61_000, -86_400_000, 86_400_000].map((offsetMs) => {
        const timestamp = String(app.clock.nowMs + offsetMs);
        return resigned(request, timestamp);
      }),
    );
  });

  test("meets a timestamp that is no whole number of milliseconds, though rightly signed", async () => {
    await refusesOnAll((request) => {
      const seconds = String(Math.floor(app.clock.nowMs / 1000));
      const spellings = [
        `0${app.clock.nowMs}`,
        `+${app.clock.nowMs}`,
        `${app.clock.nowMs}.0`,
        seconds,
        "",
        "now",
      ];
      return spellings.map((timestamp) => resigned(request, timestamp));
    });
  });

  test("meets a missing or empty header", async () => {
    await refusesOnAll((request) =>
      ["ownid-signature", "ownid-timestamp"].flatMap((name) => {
        const { [name]: _, ...headers } = request.headers;
        return [{ ...request, headers }, withHeader(request, name, "")];
      }),
    );
  });

  test("meets a signature that is respelled, cut, padded or followed by junk", async () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const spare = (signature: string, bits: number) =>
      `${signature.slice(0, 42)}${alphabet.charAt(alphabet.indexOf(signature.charAt(42)) | bits)}=`;
    await refusesOnAll((request) =>
      [
        (signature: string) => spare(signature, 1),
        (signature: string) => spare(signature, 2),
        (signature: string) => spare(signature, 3),
        (signature: string) => signature.slice(0, -1),
        (signature: string) => signature.slice(0, 20),
        (signature: string) => `${signature}=`,
        (signature: string) => `${signature}junk`,
        (signature: string) => `${signature};`,
        (signature: string) => `${signature}, ${signature}`,
        (signature: string) => `"${signature}"`,
        (signature: string) => `sha256=${signature}`,
        (signature: string) => Buffer.from(signature, "base64").toString("hex"),
        () => Buffer.alloc(32).toString("base64"),
      ].map((change) => withSignature(request, change)),
    );
  });

  test("meets a signature made with another secret, or with the secret's text", async () => {
    const text = new TextEncoder().encode(Buffer.from(sharedSecret).toString("base64"));
    await refusesOnAll((request) => {
      const timestamp = request.headers["ownid-timestamp"] ?? "";
      return [new Uint8Array(32), text, sharedSecret.subarray(1)].map((secret) =>
        withHeader(request, "ownid-signature", macOf(request.body, timestamp, secret)),
      );
    });
  });

  test("does not tell whether the user exists", async () => {
    const answers = [sol, "nobody@testmail.com"].map(async (loginId) => {
      const request = open.client.sign("getOwnIDDataByLoginId", { loginId });
      return open.client.send(withSignature(request, () => Buffer.alloc(32).toString("base64")));
    });
    const [known, unknown] = (await Promise.all(answers)).map(outcomeOf);
    expect(known).toEqual(refusal);
    expect(unknown).toEqual(refusal);
  });

  test("meets a header that was sent twice, even with the same value", async () => {
    const request = open.client.sign("getOwnIDDataByLoginId", { loginId: sol });
    const { "ownid-signature": signature = "", "ownid-timestamp": timestamp = "" } = request.headers;
    const send = async (extra: string) =>
      outcomeOfRaw(await exchangeRaw(open.publicUrl, rawRequest(request, extra)));
    expect(await send("")).toEqual(json(200, { ownIdData: "data" }));
    const doubled = [
      `Ownid-Signature: ${signature}\r\n`,
      `OWNID-SIGNATURE: ${Buffer.alloc(32).toString("base64")}\r\n`,
      "Ownid-Signature: \r\n",
      `Ownid-Timestamp: ${timestamp}\r\n`,
      "OWNID-TIMESTAMP: 0\r\n",
    ];
    for (const extra of doubled) expect(await send(extra)).toEqual(refusal);
  });
});

/** The same body with another timestamp, signed as such. */
function resigned(request: SignedRequest, timestamp: string): SignedRequest {
  const headers = {
    ...request.headers,
    "ownid-timestamp": timestamp,
    "ownid-signature": macOf(request.body, timestamp, sharedSecret),
  };
  return { ...request, headers };
}
