import { describe, expect, test } from "bun:test";
import { SessionLedgerUnavailable } from "../../src/errors.ts";
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
import { json, outcomeOf, problem } from "../support/problems.ts";
import { startApp } from "../support/running-app.ts";
import { badTokens } from "../support/session-tokens.ts";

const { ops } = await shareOpsApp();

describe("POST /introspect", () => {
  test("calls a session token active, with its claims", async () => {
    for (const sessionType of [undefined, "browser", "mobile"]) {
      const token = await ops.newToken(sol, sessionType);
      const claims = claimsOf(token);
      expect(claims.session_type).toBe(sessionType);
      expect(await ops.introspect(token)).toEqual(json(200, { active: true, ...claims }));
    }
  });

  test("answers the administrator's token, too, and ignores other parameters", async () => {
    const form = `token_type_hint=access_token&token=${await ops.newToken()}&more=1`;
    const { body } = await ops.postForm("/introspect", form, adminToken);
    expect(JSON.parse(body).active).toBe(true);
  });

  test("refuses a form without one token", async () => {
    const wanted = problem("ERR_REQUEST_INVALID", "The form must have one token=… and no other.");
    for (const form of ["", "token=", "token", "tokens=a", "token=a&token=b"])
      expect(outcomeOf(await ops.postForm("/introspect", form))).toEqual(wanted);
  });

  test("takes a form alone, of a size", async () => {
    const headers = { ...bearer(backendToken), "content-type": "application/json" };
    const asJson = await ops.send("/introspect", { method: "POST", headers, body: '{"token":"a"}' });
    expect(outcomeOf(asJson)).toEqual(problem("ERR_MEDIA_TYPE_UNSUPPORTED"));
    expect(outcomeOf(await ops.postForm("/introspect", `token=${"x".repeat(65_536)}`))).toEqual(
      problem("ERR_BODY_TOO_LARGE"),
    );
    const other = await ops.send("/introspect", { headers: bearer(backendToken) });
    expect([other.status, other.headers.get("allow")]).toEqual([405, "POST"]);
  });
});

describe("with SESSION_TOKEN_TYPE=JWT", () => {
  test("accepts tokens of that type alone, and hand-off tokens only for an exchange", async () => {
    await using app = await startApp({ adminToken, backendToken, tokenType: "JWT", handsOff: true });
    const client = createOpsClient(app);
    const typed = (typ: string) => client.forger.sign("session", { header: { typ } });
    const handoff = await client.newToken();
    const { body } = await client.exchange(handoff);
    for (const active of [tokenOf(body), await typed("JWT")]) {
      expect((await client.introspect(active)).body).toMatchObject({ active: true });
      expect((await client.verify(bearer(active))).status).toBe(200);
    }
    for (const other of [handoff, await typed("ownid-session+jwt"), await typed("at+jwt")]) {
      expect((await client.introspect(other)).body).toEqual({ active: false });
      expect((await client.verify(bearer(other))).status).toBe(401);
    }
  });
});

describe("a token that is not an active session's is inactive to introspection and 401 to /verify", () => {
  test("but a good one is not", async () => {
    const good = await ops.forger.sign("session");
    expect((await ops.introspect(good)).body).toMatchObject({ active: true });
    expect((await ops.verify(bearer(good))).status).toBe(200);
  });

  test.each(Object.entries(badTokens))("with %s", async (_what, forge) => {
    const token = await forge(ops.forger, "session");
    expect(await ops.introspect(token)).toEqual(inactive);
    for (const headers of [bearer(token), { cookie: `ownid_session=${token}` }]) {
      const answer = await ops.verify(headers);
      expect(outcomeOf(answer)).toEqual(problem("ERR_SESSION_INVALID"));
      expect(answer.headers.get("www-authenticate")).toBe('Bearer error="invalid_token"');
      expect([...answer.headers.keys()].filter((name) => name.startsWith("x-auth"))).toEqual([]);
    }
  });
});

describe("while the ledger cannot be asked", () => {
  test("introspection, /verify, revocation and exchange are 503, bad tokens are refused, and sessions go on", async () => {
    await using failing = await startApp({ adminToken, backendToken });
    const { forger, ...asking } = createOpsClient(failing);
    const [token, handoff] = [await asking.newToken(), await forger.sign("handoff")];
    const fail = () => Promise.reject(new SessionLedgerUnavailable("Redis is away"));
    Object.assign(failing.ledger, {
      isRevoked: fail,
      revokedUntil: fail,
      revoke: fail,
      revokeUser: fail,
      recordExchange: fail,
    });
    const unavailable = problem("ERR_SESSIONS_UNAVAILABLE");
    const verified = await asking.verify(bearer(token));
    expect([outcomeOf(verified), verified.headers.get("retry-after")]).toEqual([unavailable, "1"]);
    expect(await asking.introspect(token)).toEqual(unavailable);
    expect(await asking.exchange(handoff)).toEqual(unavailable);
    expect(await asking.revoke({ jti: "a" })).toEqual(unavailable);
    expect(await asking.revoke({ loginId: sol })).toEqual(unavailable);
    expect(await asking.introspect("token")).toEqual(inactive);
    expect((await asking.verify({})).status).toBe(401);
    expect(claimsOf(await asking.newToken()).iat).toBe(asking.nowSeconds() - 5);
    expect(failing.logLines.join("")).toContain('"reason":"Redis is away"');
  });
});
