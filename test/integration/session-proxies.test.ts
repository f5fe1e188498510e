import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { RunningServer } from "../../scripts/servers/running-servers.ts";
import { SessionLedgerUnavailable } from "../../src/errors.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { guideSnippet } from "../support/guide.ts";
import { adminToken, sol } from "../support/ops-client.ts";
import { type ProxyConfiguration, startCaddy, startNginx } from "../support/reverse-proxy.ts";
import { type RunningApp, startApp } from "../support/running-app.ts";

setDefaultTimeout(30_000);

const proxies = {
  nginx: { start: startNginx, unavailable: 500 },
  caddy: { start: startCaddy, unavailable: 503 },
} as const;

for (const kind of ["nginx", "caddy"] as const) {
  describeWithPrivate(kind, `a page behind ${kind} as the guide configures it`, () => {
    let app: RunningApp;
    let proxy: RunningServer;
    /** What the page's own server has been asked with. */
    const seen: Headers[] = [];
    let seenPath = "";
    const page = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        seen.push(request.headers);
        seenPath = new URL(request.url).pathname;
        return new Response(`the page, ${request.method} ${await request.text()}`);
      },
    });

    beforeAll(async () => {
      app = await startApp({ users: [{ email: sol }], adminToken });
      const configuration: ProxyConfiguration = (port) =>
        guideSnippet(kind, {
          "listen 80": `listen 127.0.0.1:${port}`,
          "site.example.com:80": `127.0.0.1:${port}`,
          "127.0.0.1:3301": new URL(app.opsUrl).host,
          "127.0.0.1:8080": `127.0.0.1:${page.port}`,
        });
      proxy = await proxies[kind].start(configuration);
    });
    afterAll(async () => {
      await proxy.remove();
      await page.stop(true);
      await app[Symbol.asyncDispose]();
    });

    async function visit(headers: Record<string, string>, init: RequestInit = {}, path = "/account?a=b") {
      seen.length = 0;
      const response = await fetch(`http://127.0.0.1:${proxy.port}${path}`, { ...init, headers });
      return { status: response.status, headers: response.headers, body: await response.text() };
    }

    const newToken = async (): Promise<string> =>
      JSON.parse((await app.client.session(sol, "browser")).body).token;

    test("is reachable with a session, by cookie or bearer token, and learns whose it is", async () => {
      const token = await newToken();
      for (const headers of [{ cookie: `ownid_session=${token}` }, { authorization: `Bearer ${token}` }]) {
        expect(await visit(headers)).toMatchObject({ status: 200, body: "the page, GET " });
        expect(seen[0]?.get("x-auth-subject")).toBe(sol);
        expect(seen[0]?.get("x-auth-session-type")).toBe("browser");
        expect(seen[0]?.get("x-auth-session-id")).toMatch(/^[0-9a-f-]{36}$/);
      }
      const posted = await visit({ cookie: `ownid_session=${token}` }, { method: "POST", body: "a form" });
      expect(posted).toMatchObject({ status: 200, body: "the page, POST a form" });
      const chunked = { method: "POST", body: new Blob(["a form in chunks"]).stream() };
      const streamed = await visit({ cookie: `ownid_session=${token}` }, chunked);
      expect(streamed).toMatchObject({ status: 200, body: "the page, POST a form in chunks" });
    });

    test("is not reachable without a session, nor is its own server asked", async () => {
      for (const headers of [{}, { cookie: "ownid_session=token" }, { authorization: "Bearer token" }]) {
        const { status, headers: answered } = await visit(headers as Record<string, string>);
        expect([status, seen.length]).toEqual([401, 0]);
        expect(answered.get("www-authenticate")).toStartWith("Bearer");
      }
    });

    test("lets a visitor log in", async () => {
      const answer = await visit({}, { method: "POST", body: "a form" }, "/login");
      expect(answer).toMatchObject({ status: 200, body: "the page, POST a form" });
      expect((await visit({}, {}, "/login/other")).status).toBe(401);
    });

    test("cannot be reached through another spelling of /login", async () => {
      expect((await visit({}, {}, "/account/..%2flogin?a=b")).status).toBe(200);
      expect(seenPath).toBe("/login");
    });

    test("never learns a session from the client's own headers", async () => {
      const token = JSON.parse((await app.client.session(sol)).body).token;
      const forged = {
        "x-auth-subject": "mia@testmail.com",
        "x-auth-session-type": "mobile",
        "x-auth-session-id": "1",
        x_auth_subject: "mia@testmail.com",
        "x-auth_subject": "mia@testmail.com",
      };
      expect((await visit(forged)).status).toBe(401);
      const login = await visit(forged, { method: "POST" }, "/login");
      expect([login.status, seen.length]).toEqual([200, 1]);
      for (const name of Object.keys(forged)) expect(seen[0]?.get(name) || null).toBeNull();
      expect((await visit({ ...forged, cookie: `ownid_session=${token}` })).status).toBe(200);
      expect([seen[0]?.get("x-auth-subject"), seen[0]?.get("x-auth-session-type") || null]).toEqual([
        sol,
        null,
      ]);
      expect(seen[0]?.get("x-auth-session-id")).not.toBe("1");
      for (const name of ["x_auth_subject", "x-auth_subject"]) expect(seen[0]?.get(name)).toBeNull();
    });

    test("is not reachable after the session has been revoked", async () => {
      const headers = { cookie: `ownid_session=${await newToken()}` };
      expect((await visit(headers)).status).toBe(200);
      const revocation = { authorization: `Bearer ${adminToken}`, "content-type": "application/json" };
      const body = JSON.stringify({ loginId: sol });
      await fetch(`${app.opsUrl}/admin/revoke`, { method: "POST", headers: revocation, body });
      expect((await visit(headers)).status).toBe(401);
      expect(seen).toEqual([]);
    });

    test("is not reachable while the ledger cannot be asked", async () => {
      const headers = { cookie: `ownid_session=${await newToken()}` };
      const { isRevoked } = app.ledger;
      app.ledger.isRevoked = () => Promise.reject(new SessionLedgerUnavailable("away"));
      expect((await visit(headers)).status).toBe(proxies[kind].unavailable);
      expect(seen).toEqual([]);
      app.ledger.isRevoked = isRevoked;
      expect((await visit(headers)).status).toBe(200);
    });
  });
}
