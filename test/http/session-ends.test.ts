import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import jwt from "jsonwebtoken";
import { DatabaseUnavailable, SessionLedgerUnavailable } from "../../src/errors.ts";
import { empty, json, outcomeOf, problem } from "../support/problems.ts";
import { type RunningApp, startApp } from "../support/running-app.ts";
import { createForger } from "../support/session-tokens.ts";

const sol = "sol@testmail.com";
const [adminToken, backendToken] = ["an-admin-token-of-32-characters-!", "a-backend-token-of-32-characters!"];
const inactive = json(200, { active: false });

/** Keeps whatever a test asks of the ops listener in one place. */
function opsOf(app: RunningApp) {
  const nowSeconds = () => Math.floor(app.clock.nowMs / 1000);

  async function send(path: string, init: RequestInit) {
    const response = await fetch(app.opsUrl + path, init);
    return { status: response.status, headers: response.headers, body: await response.text() };
  }

  function postForm(path: string, form: string, token: string | null = backendToken) {
    const headers = {
      "content-type": "application/x-www-form-urlencoded",
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    };
    return send(path, { method: "POST", headers, body: form });
  }

  return {
    send,
    postForm,
    forger: createForger(app.keys, nowSeconds),
    nowSeconds,
    introspect: async (token: string) =>
      outcomeOf(await postForm("/introspect", new URLSearchParams({ token }).toString())),
    exchange: async (token: string) =>
      outcomeOf(await postForm("/session/exchange", new URLSearchParams({ token }).toString())),
    verify: (headers: Record<string, string>) => send("/verify", { headers }),
    async revoke(body: unknown, token = adminToken) {
      const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
      return outcomeOf(await send("/admin/revoke", { method: "POST", headers, body: JSON.stringify(body) }));
    },
    /** As OwnID asks for it. */
    async newToken(loginId = sol, sessionType?: string): Promise<string> {
      const answer = await app.client.session(loginId, sessionType);
      expect(answer.status).toBe(200);
      return JSON.parse(answer.body).token;
    },
  };
}

const claimsOf = (token: string): jwt.JwtPayload => jwt.decode(token, { json: true }) ?? {};
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

let app: RunningApp;
let ops: ReturnType<typeof opsOf>;
beforeAll(async () => {
  app = await startApp({
    users: [{ email: sol }, { email: "mia@testmail.com" }, { email: "Zoë %@ex.com" }],
    adminToken,
    backendToken,
  });
  ops = opsOf(app);
});
afterAll(() => app[Symbol.asyncDispose]());

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

describe("a token that is not an active session's", () => {
  test("is inactive to introspection and 401 to /verify, whatever is wrong with it", async () => {
    const good = await ops.forger.sign("session", {});
    expect((await ops.verify(bearer(good))).status).toBe(200);
    const bad = Object.entries(await ops.forger.badTokens("session"));
    expect(bad.length).toBeGreaterThan(25);
    for (const [what, token] of bad) {
      if (token !== "") expect([what, await ops.introspect(token)]).toEqual([what, inactive]);
      for (const headers of [bearer(token), { cookie: `ownid_session=${token}` }]) {
        const answer = await ops.verify(headers);
        expect([what, outcomeOf(answer)]).toEqual([what, problem("ERR_SESSION_INVALID")]);
        expect(answer.headers.get("www-authenticate")).toStartWith("Bearer");
        expect([...answer.headers.keys()].filter((name) => name.startsWith("x-auth"))).toEqual([]);
      }
    }
  });

  test.each(["session", "handoff"] as const)(
    "is told from a good %s by each single fault alone",
    async (kind) => {
      const { find, exchange } = { find: ops.introspect, exchange: ops.exchange };
      const good = await ops.forger.sign(kind, {});
      expect((await (kind === "session" ? find(good) : exchange(good))).status).toBe(200);
    },
  );
});

describe("GET /verify", () => {
  test("names the session of a bearer token or a cookie, and needs no other token", async () => {
    const token = await ops.newToken(sol, "browser");
    const { sid } = claimsOf(token);
    for (const headers of [
      bearer(token),
      { authorization: `bearer ${token}` },
      { cookie: `a=b; ownid_session=${token}; c=d` },
      { cookie: `ownid_session="${token}"` },
      { cookie: `ownid_session=${token}`, authorization: "Basic dXNlcjpwYXNz" },
    ]) {
      const { status, headers: answered, body } = await ops.verify(headers);
      expect([status, body]).toEqual([200, ""]);
      expect([
        ...["subject", "session-id", "session-type"].map((name) => answered.get(`x-auth-${name}`)),
      ]).toEqual([sol, sid, "browser"]);
      expect(answered.get("cache-control")).toBe("no-store");
    }
  });

  test("percent-encodes a login id that no header can hold, and names no type where there is none", async () => {
    const { headers } = await ops.verify(bearer(await ops.newToken("Zoë %@ex.com")));
    expect(headers.get("x-auth-subject")).toBe("Zo%C3%AB%20%25@ex.com");
    expect(headers.get("x-auth-session-type")).toBe("");
  });

  test("accepts the method and the path of the proxied request, as Envoy sends them", async () => {
    const headers = bearer(await ops.newToken());
    for (const method of ["GET", "HEAD", "POST", "DELETE", "OPTIONS"]) {
      expect((await ops.send("/verify", { method, headers })).status).toBe(200);
      expect((await ops.send("/verify/account/a%20b?q=1", { method, headers })).status).toBe(200);
      expect((await ops.send("/verify/account", { method })).status).toBe(401);
    }
  });

  test("is 401 without a token, and with two cookies of that name", async () => {
    const token = await ops.newToken();
    for (const headers of [{}, { authorization: "Bearer" }, { cookie: `other=${token}` }] as Record<
      string,
      string
    >[]) {
      const answer = await ops.verify(headers);
      expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    }
    expect((await ops.verify({ cookie: `ownid_session=${token}; ownid_session=${token}` })).status).toBe(401);
  });

  test("is not on the public listener", async () => {
    const headers = bearer(await ops.newToken());
    for (const path of ["/verify", "/ownid/verify", "/introspect", "/session/exchange", "/admin/revoke"])
      expect((await fetch(app.publicUrl + path, { method: "POST", headers })).status).toBe(404);
  });
});

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
    const { newToken, revoke, verify } = opsOf(caseless);
    const token = await newToken("SOL@testmail.com");
    expect((await verify(bearer(token))).headers.get("x-auth-subject")).toBe(sol);
    expect(await revoke({ loginId: "Sol@Testmail.com" })).toEqual(empty(204));
    expect((await verify(bearer(token))).status).toBe(401);
  });

  test("looks for the login id as requests do", async () => {
    await using lowered = await startApp({ loginIdCase: "lower", adminToken });
    const { newToken, revoke, verify } = opsOf(lowered);
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
    expect(lines).toContain('"audit":"revocation","what":"loginId"');
    expect(lines).not.toContain("sol@");
  });

  test("is 503 where the other spelling cannot be looked up, and ends the one that was given", async () => {
    const findUser = () => Promise.reject(new DatabaseUnavailable("away", "none"));
    await using cutOff = await startApp({ findUser, adminToken });
    const { newToken, revoke, verify } = opsOf(cutOff);
    const token = await newToken();
    expect(await revoke({ loginId: sol })).toEqual(problem("ERR_DATABASE_UNAVAILABLE"));
    expect((await verify(bearer(token))).status).toBe(401);
  });
});

describe("a user who is blocked and then revoked", () => {
  test("gets no session from a request that had read the row before", async () => {
    await using racing = await startApp({ adminToken });
    const { revoke, verify, newToken } = opsOf(racing);
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

describe("while the ledger cannot be asked", () => {
  test("introspection, /verify, revocation and exchange are 503, bad tokens are refused, and sessions go on", async () => {
    await using failing = await startApp({ adminToken, backendToken });
    const { forger, ...asking } = opsOf(failing);
    const [token, handoff] = [await asking.newToken(), await forger.sign("handoff", {})];
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

describe("a wrong bearer token", () => {
  const paths = ["/introspect", "/session/exchange", "/admin/revoke"];

  test("is 401 without detail, whatever else is wrong", async () => {
    for (const path of paths) {
      await using fresh = await startApp({ adminToken, backendToken });
      const { postForm } = opsOf(fresh);
      for (const token of [null, "wrong", `${backendToken}x`, backendToken.slice(1)]) {
        for (const form of ["token=a", "", "tokens=a"]) {
          const answer = await postForm(path, form, token);
          expect(outcomeOf(answer)).toEqual(problem("ERR_TOKEN_INVALID"));
          expect(answer.headers.get("www-authenticate")).toBe("Bearer");
        }
      }
    }
  });

  test("of the backend does not open the administrator's paths", async () => {
    expect(await ops.revoke({ jti: "a" }, backendToken)).toEqual(problem("ERR_TOKEN_INVALID"));
  });

  test("is 429 after 30 within a minute, while the right one goes on", async () => {
    await using fresh = await startApp({ adminToken, backendToken });
    const { postForm } = opsOf(fresh);
    const statuses: number[] = [];
    for (let turn = 0; turn < 40; turn += 1)
      statuses.push((await postForm("/introspect", "token=a", `wrong-${turn}`)).status);
    expect(statuses).toEqual([...Array(30).fill(401), ...Array(10).fill(429)]);
    const refused = await postForm("/session/exchange", "token=a", "wrong");
    expect([outcomeOf(refused), refused.headers.get("retry-after")]).toEqual([
      problem("ERR_TOO_MANY_FAILURES"),
      "60",
    ]);
    expect((await postForm("/introspect", "token=a")).status).toBe(200);
    expect((await postForm("/introspect", "token=a", adminToken)).status).toBe(200);
  });

  test("and the right one are 404 while neither is configured, but the administrator's opens both", async () => {
    await using closed = await startApp();
    for (const path of paths)
      for (const token of [null, "null", backendToken])
        expect(outcomeOf(await opsOf(closed).postForm(path, "token=a", token))).toEqual(
          problem("ERR_PATH_UNKNOWN"),
        );
    await using admin = await startApp({ adminToken });
    expect((await opsOf(admin).postForm("/introspect", "token=a", adminToken)).status).toBe(200);
  });
});

describe("the one-time hand-off", () => {
  test("gives OwnID a short-lived token that is good for one session token with the same sid", async () => {
    await using site = await startApp({ handsOff: true, adminToken, backendToken });
    const { newToken, exchange, introspect, verify, nowSeconds } = opsOf(site);
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

  test("refuses every bad token, and a session token, with one answer", async () => {
    for (const [what, token] of Object.entries(await ops.forger.badTokens("handoff"))) {
      if (token === "") continue;
      expect([what, await ops.exchange(token)]).toEqual([what, problem("ERR_SESSION_INVALID")]);
    }
    expect(await ops.exchange(await ops.newToken())).toEqual(problem("ERR_SESSION_INVALID"));
  });

  test("exchanges nothing after its token, session or user has been revoked", async () => {
    await using site = await startApp({ handsOff: true, adminToken, backendToken });
    const { newToken, exchange, revoke } = opsOf(site);
    for (const revoked of ["jti", "sid", "loginId"]) {
      const handoff = await newToken();
      await revoke({ [revoked]: revoked === "loginId" ? sol : claimsOf(handoff)[revoked] });
      expect(await exchange(handoff)).toEqual(problem("ERR_SESSION_INVALID"));
    }
    const later = await newToken();
    const { body } = await exchange(later);
    const isActive = async () => JSON.stringify((await opsOf(site).introspect(tokenOf(body))).body);
    expect(await isActive()).toContain('"active":true');
    await revoke({ sid: claimsOf(later).sid });
    expect(await opsOf(site).introspect(tokenOf(body))).toEqual(inactive);
  });

  test("gives no session that outlives a revocation during the exchange", async () => {
    await using site = await startApp({ handsOff: true, adminToken, backendToken });
    const { newToken, exchange, introspect, revoke } = opsOf(site);
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

function tokenOf(body: unknown): string {
  if (typeof body === "object" && body !== null && "token" in body) return String(body.token);
  throw new Error("the answer has no token");
}
