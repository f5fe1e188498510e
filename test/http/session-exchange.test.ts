import { describe, expect, test } from "bun:test";
import jwt from "jsonwebtoken";
import {
  adminToken,
  backendToken,
  bearer,
  claimsOf,
  createOpsClient,
  inactive,
  shareOpsApp,
  sol,
  tokenOf,
} from "../support/ops-client.ts";
import { json, problem } from "../support/problems.ts";
import { startApp } from "../support/running-app.ts";
import { badTokens } from "../support/session-tokens.ts";

const { ops } = await shareOpsApp();

describe("the one-time hand-off", () => {
  test("gives OwnID a short-lived token that is good for one session token with the same sid", async () => {
    await using site = await startApp({ handsOff: true, adminToken, backendToken });
    const { newToken, exchange, introspect, verify, nowSeconds } = createOpsClient(site);
    const handoff = await newToken(sol, "mobile");
    expect(jwt.decode(handoff, { complete: true })?.header.typ).toBe("ownid-handoff+jwt");
    const carried = claimsOf(handoff);
    expect((carried.exp ?? 0) - nowSeconds()).toBe(120);
    expect(await introspect(handoff)).toEqual(inactive);
    expect((await verify(bearer(handoff))).status).toBe(401);

    const given = await exchange(handoff);
    expect(given).toEqual(json(200, { token: expect.any(String) }));
    const token = tokenOf(given.body);
    const claims = claimsOf(token);
    expect(claims).toMatchObject({ sub: sol, sid: carried.sid, session_type: "mobile" });
    expect(claims.jti).not.toBe(carried.jti);
    expect((claims.exp ?? 0) - nowSeconds()).toBe(3600);
    expect(await introspect(token)).toEqual(json(200, { active: true, ...claims }));

    expect(await exchange(handoff)).toEqual(problem("ERR_HANDOFF_EXCHANGED"));
    expect(site.logLines.join("")).toContain('"code":"ERR_HANDOFF_EXCHANGED"');
    const metrics = await (await fetch(`${site.opsUrl}/metrics`)).text();
    expect(metrics).toMatch(/code="ERR_HANDOFF_EXCHANGED"[^\n]* 1$/m);
    expect((await verify(bearer(token))).status).toBe(200);
  });

  test.each(Object.entries(badTokens))("refuses a token with %s", async (_what, forge) => {
    expect(await ops.exchange(await forge(ops.forger, "handoff"))).toEqual(problem("ERR_SESSION_INVALID"));
  });

  test("refuses a session token", async () => {
    expect(await ops.exchange(await ops.newToken())).toEqual(problem("ERR_SESSION_INVALID"));
  });

  test("exchanges nothing after its token, session or user has been revoked", async () => {
    await using site = await startApp({ handsOff: true, adminToken, backendToken });
    const { newToken, exchange, revoke } = createOpsClient(site);
    for (const revoked of ["jti", "sid", "loginId"]) {
      const handoff = await newToken();
      await revoke({ [revoked]: revoked === "loginId" ? sol : claimsOf(handoff)[revoked] });
      expect(await exchange(handoff)).toEqual(problem("ERR_SESSION_INVALID"));
    }
    const later = await newToken();
    const { body } = await exchange(later);
    const isActive = async () => JSON.stringify((await createOpsClient(site).introspect(tokenOf(body))).body);
    expect(await isActive()).toContain('"active":true');
    await revoke({ sid: claimsOf(later).sid });
    expect(await createOpsClient(site).introspect(tokenOf(body))).toEqual(inactive);
  });

  test("gives no session that outlives a revocation during the exchange", async () => {
    await using site = await startApp({ handsOff: true, adminToken, backendToken });
    const { newToken, exchange, introspect, revoke } = createOpsClient(site);
    for (const method of ["recordExchange", "revokedUntil", "isRevoked"] as const) {
      const handoff = await newToken();
      const original = site.ledger[method];
      Object.assign(site.ledger, {
        async [method](...args: readonly [never, never]) {
          Object.assign(site.ledger, { [method]: original });
          const answer = await original(...args);
          await revoke({ loginId: sol });
          return answer;
        },
      });
      const { status, body } = await exchange(handoff);
      if (status === 200) expect([method, await introspect(tokenOf(body))]).toEqual([method, inactive]);
      else expect([method, status]).toEqual([method, 401]);
    }
  });
});
