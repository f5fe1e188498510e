import { describe, expect, test } from "bun:test";
import { DatabaseUnavailable } from "../../src/errors.ts";
import {
  adminToken,
  bearer,
  claimsOf,
  createOpsClient,
  inactive,
  shareOpsApp,
  sol,
} from "../support/ops-client.ts";
import { empty, problem } from "../support/problems.ts";
import { startApp } from "../support/running-app.ts";

const { app, ops } = await shareOpsApp();

describe("POST /admin/revoke", () => {
  test.each(["jti", "sid"] as const)("ends what has this %s and nothing else", async (name) => {
    const [token, other] = [await ops.newToken(), await ops.newToken()];
    expect(await ops.revoke({ [name]: claimsOf(token)[name] })).toEqual(empty(204));
    expect(await ops.introspect(token)).toEqual(inactive);
    expect((await ops.verify(bearer(token))).status).toBe(401);
    expect((await ops.verify(bearer(other))).status).toBe(200);
  });

  test("ends all that a user has, and none of what the same user gets from then on", async () => {
    const strangers = await ops.newToken("mia@testmail.com");
    const earlier: string[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      earlier.push(await ops.newToken(), await ops.newToken(sol, "mobile"));
      expect(await ops.revoke({ loginId: sol })).toEqual(empty(204));
      for (const token of earlier) expect(await ops.introspect(token)).toEqual(inactive);
      expect((await ops.verify(bearer(await ops.newToken()))).status).toBe(200);
    }
    expect((await ops.verify(bearer(strangers))).status).toBe(200);
  });

  test("finds the spelling that the user table has", async () => {
    await using caseless = await startApp({ users: [{ email: sol }], collation: "NOCASE", adminToken });
    const { newToken, revoke, verify } = createOpsClient(caseless);
    const token = await newToken("SOL@testmail.com");
    expect((await verify(bearer(token))).headers.get("x-auth-subject")).toBe(sol);
    expect(await revoke({ loginId: "Sol@Testmail.com" })).toEqual(empty(204));
    expect((await verify(bearer(token))).status).toBe(401);
  });

  test("looks for the login id as requests do", async () => {
    await using lowered = await startApp({ loginIdCase: "lower", adminToken });
    const { newToken, revoke, verify } = createOpsClient(lowered);
    const token = await newToken("SOL@testmail.com");
    lowered.table.remove(sol);
    expect(await revoke({ loginId: "Sol@Testmail.com" })).toEqual(empty(204));
    expect((await verify(bearer(token))).status).toBe(401);
  });

  test("succeeds for what does not exist, and says what to send", async () => {
    for (const body of [{ jti: "unknown" }, { sid: "unknown" }, { loginId: "nobody@testmail.com" }])
      expect(await ops.revoke(body)).toEqual(empty(204));
    const wanted = problem("ERR_REQUEST_INVALID", 'Send {"jti":"…"}, {"sid":"…"} or {"loginId":"…"}.');
    const invalid = [
      {},
      { jti: "" },
      { jti: 1 },
      { sid: "a b" },
      { jti: "x".repeat(129) },
      { jti: "a", sid: "b" },
      [],
    ];
    for (const body of invalid) expect(await ops.revoke(body)).toEqual(wanted);
    expect((await ops.revoke({ loginId: "a\0" })).status).toBe(400);
  });

  test("logs that something was revoked, and nobody's name", async () => {
    const before = app.logLines.length;
    await ops.revoke({ loginId: sol });
    const lines = app.logLines.slice(before).join("");
    expect(lines).toContain('"what":"loginId","msg":"revoked"');
    expect(lines).not.toContain("sol@");
  });

  test("is 503 where the other spelling cannot be looked up, and ends the one that was given", async () => {
    const findUser = () => Promise.reject(new DatabaseUnavailable("away", "none"));
    await using cutOff = await startApp({ findUser, adminToken });
    const { newToken, revoke, verify } = createOpsClient(cutOff);
    const token = await newToken();
    expect(await revoke({ loginId: sol })).toEqual(problem("ERR_DATABASE_UNAVAILABLE"));
    expect((await verify(bearer(token))).status).toBe(401);
  });
});

describe("a user who is blocked and then revoked", () => {
  test("gets no session from a request that had read the row before", async () => {
    await using racing = await startApp({ adminToken });
    const { revoke, verify, newToken } = createOpsClient(racing);
    const { revokedUntil } = racing.ledger;
    // Between the request's look at the row and its look at the ledger.
    racing.ledger.revokedUntil = async (loginId) => {
      racing.ledger.revokedUntil = revokedUntil;
      racing.table.block(sol);
      await revoke({ loginId: sol });
      return revokedUntil(loginId);
    };
    expect((await racing.client.session(sol)).status).toBe(423);
    // And after it: the token is among those that have been revoked.
    racing.ledger.revokedUntil = async (loginId) => {
      const until = await revokedUntil(loginId);
      racing.ledger.revokedUntil = revokedUntil;
      await revoke({ loginId });
      return until;
    };
    racing.table.remove(sol);
    racing.table.insert({ email: sol });
    racing.clock.nowMs += 60_000;
    expect((await verify(bearer(await newToken()))).status).toBe(401);
  });
});
