import { describe, expect, test } from "bun:test";
import { Elysia } from "elysia";
import pino from "pino";
import type { Endpoint } from "../../scripts/client/endpoints.ts";
import { createSignedClient } from "../../scripts/client/signed-client.ts";
import { withoutAuditLog } from "../../src/audit/audit-log.ts";
import { bodyAdapter } from "../../src/http/body-adapter.ts";
import { getOwnIdDataByLoginId } from "../../src/http/routes/get-ownid-data-by-login-id.ts";
import { getSessionByLoginId } from "../../src/http/routes/get-session-by-login-id.ts";
import { setOwnIdDataByLoginId } from "../../src/http/routes/set-ownid-data-by-login-id.ts";
import { signedBody } from "../../src/http/signed-body.ts";
import { createSignatureVerifier } from "../../src/protocol/signature.ts";
import { withoutReplayGuard } from "../../src/replay/replay-guard.ts";
import { storeWhichFails } from "../support/failing-store.ts";
import { sharedSecret } from "../support/running-app.ts";

/** The three endpoints as the sidecar has them, over a store that notes what reaches it. */
async function endpoints(options: ConstructorParameters<typeof Elysia>[0]) {
  const reached: string[] = [];
  const reach = (name: string) => async () => {
    reached.push(name);
    return "ownIdData";
  };
  const store = storeWhichFails(() => Promise.reject(new Error("not asked for")), {
    get: reach("get"),
    set: async () => void reached.push("set"),
    findForSession: async (loginId) => {
      reached.push("session");
      return { loginId, ownIdData: null, blocked: false, databaseTimeMs: 0, columns: new Map() };
    },
  });
  const dependencies = {
    audit: withoutAuditLog,
    signed: signedBody({
      verifySignature: createSignatureVerifier({
        sharedSecrets: [sharedSecret],
        toleranceSeconds: 60,
        now: Date.now,
      }),
      bodyBytesMax: 1000,
    }),
    store,
    replayGuard: withoutReplayGuard,
    loginIdCase: "exact",
    requireSessionType: false,
    async startSession(_asked: unknown, readUser: () => Promise<unknown>) {
      await readUser();
      return { answer: '{"token":"token"}', sid: null };
    },
    logger: pino({ level: "silent" }),
  } as const;
  const app = new Elysia(options)
    .use(getOwnIdDataByLoginId(dependencies))
    .use(setOwnIdDataByLoginId(dependencies))
    .use(getSessionByLoginId(dependencies));
  return { app, reached };
}

const client = createSignedClient({ baseUrl: "http://localhost", sharedSecret, now: Date.now });

function signed(endpoint: Endpoint): Request {
  const ownIdData = endpoint === "setOwnIDDataByLoginId" ? { ownIdData: "data" } : {};
  const { url, ...request } = client.sign(endpoint, { loginId: "sol@testmail.com", ...ownIdData });
  // Over a socket its length is declared.
  const headers = { ...request.headers, "content-length": String(request.body.length) };
  return new Request(url, { ...request, headers });
}

function unsigned(endpoint: Endpoint): Request {
  const request = signed(endpoint);
  request.headers.delete("ownid-signature");
  return request;
}

const names = ["getOwnIDDataByLoginId", "setOwnIDDataByLoginId", "getSessionByLoginId"] as const;

describe("a signed endpoint", () => {
  test.each(names)("takes a signed body: %s", async (name) => {
    const { app, reached } = await endpoints({ adapter: bodyAdapter });
    expect((await app.handle(signed(name))).ok).toBe(true);
    expect(reached).toHaveLength(1);
  });

  test.each(names)("refuses the same body unsigned: %s", async (name) => {
    const { app, reached } = await endpoints({ adapter: bodyAdapter });
    expect((await app.handle(unsigned(name))).ok).toBe(false);
    expect(reached).toEqual([]);
  });

  test.each(names)("refuses every body where the adapter has been left out: %s", async (name) => {
    const { app, reached } = await endpoints({});
    expect((await app.handle(signed(name))).ok).toBe(false);
    expect((await app.handle(unsigned(name))).ok).toBe(false);
    expect(reached).toEqual([]);
  });
});

test("a body of declared length is read without a stream being made of it", async () => {
  const { app } = await endpoints({ adapter: bodyAdapter });
  const request = signed("getOwnIDDataByLoginId");
  let streams = 0;
  Object.defineProperty(request, "body", {
    get() {
      streams += 1;
      return null;
    },
  });
  const response = await app.handle(request);
  expect({ status: response.status, streams }).toEqual({ status: 200, streams: 0 });
});
