import { describe, expect, test } from "bun:test";
import { Elysia } from "elysia";
import { bodyAdapter } from "../../src/http/body-adapter.ts";
import { getOwnIdDataByLoginId } from "../../src/http/routes/get-ownid-data-by-login-id.ts";
import { getSessionByLoginId } from "../../src/http/routes/get-session-by-login-id.ts";
import { setOwnIdDataByLoginId } from "../../src/http/routes/set-ownid-data-by-login-id.ts";
import { signedBody } from "../../src/http/signed-body.ts";
import { createLogger } from "../../src/logger.ts";
import { createSignatureVerifier } from "../../src/protocol/signature.ts";
import type { OwnIdDataStore } from "../../src/store/ownid-data-store.ts";
import { withoutReplayGuard } from "../../src/store/replay-guard.ts";
import { sharedSecret } from "../support/running-app.ts";
import { createSignedClient } from "../support/signed-client.ts";

/** The three endpoints as the sidecar has them, over a store that notes what reaches it. */
async function endpoints(options: ConstructorParameters<typeof Elysia>[0]) {
  const reached: string[] = [];
  const reach = (name: string) => async () => {
    reached.push(name);
    return "ownIdData";
  };
  const store: OwnIdDataStore = {
    get: reach("get"),
    set: async () => void reached.push("set"),
    findForSession: async (loginId) => {
      reached.push("session");
      return { loginId, ownIdData: null, blocked: false, databaseTimeMs: 0 };
    },
    invalidate: async () => {},
    invalidateAll: async () => {},
  };
  const dependencies = {
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
    sessions: { issue: async () => "token", publicKeys: () => ({ keys: [] }) },
    logger: await createLogger({ level: "silent", format: "json" }),
  } as const;
  const app = new Elysia(options)
    .use(getOwnIdDataByLoginId(dependencies))
    .use(setOwnIdDataByLoginId(dependencies))
    .use(getSessionByLoginId(dependencies));
  return { app, reached };
}

function unsigned(path: string): Request {
  return new Request(`http://localhost${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      loginId: "sol@testmail.com",
      ...(path.startsWith("/set") && { ownIdData: "data" }),
    }),
  });
}

const paths = ["/getOwnIDDataByLoginId", "/setOwnIDDataByLoginId", "/getSessionByLoginId"];

describe("a signed endpoint", () => {
  test.each(paths)("refuses an unsigned body: %s", async (path) => {
    const { app, reached } = await endpoints({ adapter: bodyAdapter });
    expect((await app.handle(unsigned(path))).ok).toBe(false);
    expect(reached).toEqual([]);
  });

  test.each(paths)("refuses every body where the adapter has been left out: %s", async (path) => {
    const { app, reached } = await endpoints({});
    expect((await app.handle(unsigned(path))).ok).toBe(false);
    expect(reached).toEqual([]);
  });
});

test("a body of declared length is read without a stream being made of it", async () => {
  const { app } = await endpoints({ adapter: bodyAdapter });
  const client = createSignedClient({ baseUrl: "http://localhost", sharedSecret, now: Date.now });
  const { url, ...signed } = client.sign("getOwnIDDataByLoginId", { loginId: "sol@testmail.com" });
  const request = new Request(url, signed);
  request.headers.set("content-length", String(signed.body.length));
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
