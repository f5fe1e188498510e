import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { guideSnippet, runnableSnippets, shareGuideSite } from "../support/guide.ts";
import { adminToken, backendToken, bearer, claimsOf, sol } from "../support/ops-client.ts";
import { errorOf } from "../support/outcome.ts";
import { spawnSidecar } from "../support/sidecar-process.ts";

setDefaultTimeout(60_000);

const { folder, table, opsUrl, client, newToken, writeSnippet } = shareGuideSite();
beforeAll(() => {
  process.env.ADMIN_TOKEN = adminToken;
  process.env.BACKEND_TOKEN = backendToken;
});
afterAll(() => {
  delete process.env.ADMIN_TOKEN;
  delete process.env.BACKEND_TOKEN;
});

const isActive = async (token: string) =>
  (await fetch(`${opsUrl()}/verify`, { headers: bearer(token) })).status === 200;

test("every snippet of the guide that can be run is run by a test", () => {
  const tests = [
    ...new Bun.Glob("{session-guide,session-proxies,site-sessions}*.test.ts").scanSync(import.meta.dir),
  ];
  const code = tests.map((name) => readFileSync(join(import.meta.dir, name), "utf8")).join("");
  const isRun = (title: string) =>
    [title, title.replace(/^js /, "")].some((name) => code.includes(`"${name}"`));
  expect(runnableSnippets().length).toBeGreaterThan(15);
  expect(runnableSnippets().filter((title) => !isRun(title))).toEqual([]);
});

describe("the guide's page", () => {
  /** Runs a snippet as a script of the page, with stand-ins for what it finds there. */
  function runInPage(title: string, page: Readonly<Record<string, unknown>>): void {
    new Function(...Object.keys(page), guideSnippet(title))(...Object.values(page));
  }

  const visits: string[] = [];
  const requests: { path: string; init: RequestInit }[] = [];
  const handed: Record<string, Record<string, (given: unknown) => unknown>> = {};
  const page = (status: number, elements: Readonly<Record<string, object>> = {}) => ({
    ownid(command: string, config: Record<string, (given: unknown) => unknown>) {
      handed[command] = config;
    },
    document: { querySelector: (selector: string) => elements[selector] ?? null },
    location: { assign: (url: string) => void visits.push(url) },
    async fetch(path: string, init: RequestInit) {
      requests.push({ path, init });
      return new Response(null, { status });
    },
  });

  test("sends the token of onLogin to the backend, which sets the session", async () => {
    for (const status of [204, 401]) {
      runInPage("js login", page(status));
      await handed.login?.onLogin?.({ token: "the token" });
    }
    expect(requests.splice(0)).toEqual(
      [1, 2].map(() => ({
        path: "/login",
        init: {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: '{"token":"the token"}',
        },
      })),
    );
    expect(visits.splice(0)).toEqual(["/account", "/login?failed"]);
  });

  test("sends ownIdData with the registration, and drops it when the login id was edited since", async () => {
    const [email, password] = [{ value: "ana@testmail.com" }, { value: "secret" }];
    const listeners: ((event: object) => Promise<void>)[] = [];
    const form = {
      addEventListener: (_: string, listener: (typeof listeners)[0]) => listeners.push(listener),
    };
    runInPage("js register", page(204, { "#registration": form, "#email": email, "#password": password }));
    const sent = async () => {
      await listeners[0]?.({ preventDefault() {} });
      return JSON.parse(String(requests.splice(0)[0]?.init.body));
    };
    const account = { email: "ana@testmail.com", password: "secret" };
    expect(await sent()).toEqual({ ...account, ownIdData: null });
    handed.register?.onRegister?.(' {"devices":[]}');
    expect(await sent()).toEqual({ ...account, ownIdData: ' {"devices":[]}' });
    email.value = "anna@testmail.com";
    expect(await sent()).toEqual({ ...account, email: "anna@testmail.com", ownIdData: null });
    expect(visits.splice(0)).toEqual(["/account", "/account", "/account"]);
  });
});

describe("the guide's backend", () => {
  /** node-postgres' `query` over the site's table. */
  const database = {
    query: async (statement: string, values: readonly (string | null)[]) => table.change(statement, values),
  };

  test("ends a session at logout, and learns of it by asking the sidecar", async () => {
    const { endSession } = await import(writeSnippet("js logout", "logout.mjs"));
    const { verify } = await import(writeSnippet("js introspect", "introspect.mjs"));
    const [token, other] = [await newToken(), await newToken()];
    expect(await verify(token)).toEqual(claimsOf(token));
    await endSession(claimsOf(token).sid);
    for (const inactive of [token, undefined, ""]) expect(await verify(inactive)).toBeNull();
    expect((await verify(other)).sub).toBe(sol);
    process.env.ADMIN_TOKEN = "wrong";
    expect(String(await errorOf(endSession("a")))).toContain("The session has not ended: 401");
    process.env.ADMIN_TOKEN = adminToken;
  });

  test("stores ownIdData with the new row as it came, and OwnID finds it at once", async () => {
    const { storeUser } = await import(writeSnippet("js store", "store.mjs"));
    const ownIdData = ' {"devices":["é\u2028"]} ';
    const { get } = client();
    expect((await get("ana@testmail.com")).status).toBe(404);
    await storeUser(database, { email: "ana@testmail.com", passwordHash: "x", ownIdData });
    expect(JSON.parse((await get("ana@testmail.com")).body)).toEqual({ ownIdData });
    for (const [email, nothing] of [
      ["bea@testmail.com", null],
      ["cid@testmail.com", { devices: [] }],
    ] as const) {
      await storeUser(database, { email, passwordHash: "x", ownIdData: nothing });
      expect(table.read(email)).toBeNull();
    }
  });

  test("deletes an account with all that the sidecar holds of it, also when it is called again", async () => {
    const { deleteAccount } = await import(writeSnippet("js delete", "delete.mjs"));
    table.write(sol, "data");
    const token = await newToken();
    expect(await isActive(token)).toBe(true);
    for (const _ of [1, 2]) await deleteAccount(database, sol);
    expect(await isActive(token)).toBe(false);
    expect((await client().get(sol)).status).toBe(404);
  });
});

test("the guide's exchange gives the session token for a hand-off token, once", async () => {
  await using handingOff = spawnSidecar({ SESSION_HANDOFF: "exchange", BACKEND_TOKEN: backendToken });
  const { baseUrl, opsUrl: ops } = await handingOff.ready();
  const text = guideSnippet("js exchange", { "http://127.0.0.1:3301": ops });
  writeFileSync(folder.at("exchange.mjs"), text);
  const { exchange } = await import(folder.at("exchange.mjs"));
  const handoff = JSON.parse((await handingOff.clientAt(baseUrl).session(sol)).body).token;
  expect(claimsOf(await exchange(handoff))).toMatchObject({ sub: sol, sid: claimsOf(handoff).sid });
  expect(String(await errorOf(exchange(handoff)))).toContain("The hand-off token was not exchanged: 409");
});
