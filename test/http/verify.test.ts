import { describe, expect, test } from "bun:test";
import { bearer, claimsOf, shareOpsApp, sol } from "../support/ops-client.ts";

const { app, ops } = await shareOpsApp();

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
