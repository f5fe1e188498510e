import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { HotCopyUnavailable } from "../../src/errors.ts";
import { storeWhichFails } from "../support/failing-store.ts";
import { empty, outcomeOf, problem } from "../support/problems.ts";
import { type RunningApp, startApp } from "../support/running-app.ts";

const adminToken = "an admin token of 32 characters!".replaceAll(" ", "-");

const invalidated: string[] = [];
const notAsked = () => Promise.reject(new Error("not asked for"));
const store = storeWhichFails(notAsked, {
  invalidate: async (loginId) => void invalidated.push(loginId),
  invalidateAll: async () => void invalidated.push("everybody"),
});

let app: RunningApp;
beforeAll(async () => {
  app = await startApp({ store, adminToken });
});
afterAll(() => app[Symbol.asyncDispose]());

async function invalidate(
  to: RunningApp,
  body: unknown,
  authorization: string | null = `Bearer ${adminToken}`,
) {
  const headers = {
    "content-type": "application/json",
    ...(authorization === null ? {} : { authorization }),
  };
  const request = { method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(`${to.opsUrl}/admin/invalidate`, request);
  return { status: response.status, headers: response.headers, body: await response.text() };
}

describe("POST /admin/invalidate", () => {
  test("forgets one user or all, with the admin token", async () => {
    invalidated.length = 0;
    expect(outcomeOf(await invalidate(app, { loginId: "sol@testmail.com" }))).toEqual(empty(204));
    expect(outcomeOf(await invalidate(app, { all: true }))).toEqual(empty(204));
    expect(outcomeOf(await invalidate(app, { all: true }, `bearer ${adminToken}`))).toEqual(empty(204));
    expect(invalidated).toEqual(["sol@testmail.com", "everybody", "everybody"]);
  });

  test("is 401 without the token, whatever else is wrong, and nothing is forgotten", async () => {
    invalidated.length = 0;
    const wrong = [null, "", "Bearer", "Bearer ", `Basic ${adminToken}`, adminToken, `Bearer ${adminToken}x`];
    for (const authorization of [...wrong, `Bearer ${adminToken.slice(1)}`, `Bearer ${adminToken} x`]) {
      for (const body of [{ all: true }, { loginId: 1 }]) {
        const answer = await invalidate(app, body, authorization);
        expect(outcomeOf(answer)).toEqual(problem("ERR_TOKEN_INVALID"));
        expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      }
    }
    expect(invalidated).toEqual([]);
  });

  test("is 404 while no token is configured, and nothing is forgotten", async () => {
    await using closed = await startApp({ store });
    invalidated.length = 0;
    for (const authorization of [
      null,
      "Bearer ",
      "Bearer null",
      "Bearer undefined",
      `Bearer ${adminToken}`,
    ]) {
      expect(outcomeOf(await invalidate(closed, { all: true }, authorization))).toEqual(
        problem("ERR_PATH_UNKNOWN"),
      );
    }
    expect(invalidated).toEqual([]);
  });

  test("says what to send", async () => {
    invalidated.length = 0;
    const expected = problem("ERR_REQUEST_INVALID", 'Send {"loginId":"…"} or {"all":true}.');
    for (const body of [{}, { all: false }, { all: "true" }, { loginId: "" }, { loginId: 5 }, []]) {
      expect(outcomeOf(await invalidate(app, body))).toEqual(expected);
    }
    expect(invalidated).toEqual([]);
  });

  test("takes JSON alone, of a size, as the signed endpoints do", async () => {
    invalidated.length = 0;
    const send = async (content: Readonly<Record<string, string>>, body: string | ReadableStream) => {
      const headers = { authorization: `Bearer ${adminToken}`, ...content };
      const response = await fetch(`${app.opsUrl}/admin/invalidate`, { method: "POST", headers, body });
      return outcomeOf({ status: response.status, headers: response.headers, body: await response.text() });
    };
    const all = JSON.stringify({ all: true });
    const json = { "content-type": "application/json" };
    const unsupported = problem("ERR_MEDIA_TYPE_UNSUPPORTED");
    expect(await send({ "content-type": "text/plain" }, all)).toEqual(unsupported);
    expect(await send({ "content-type": "application/x-www-form-urlencoded" }, "all=true")).toEqual(
      unsupported,
    );
    expect(await send({ ...json, "content-encoding": "gzip" }, all)).toEqual(unsupported);
    const tooLarge = problem("ERR_BODY_TOO_LARGE");
    const large = all + " ".repeat(65_536);
    expect(await send(json, large)).toEqual(tooLarge);
    expect(await send(json, new Blob([large]).stream())).toEqual(tooLarge);
    const notJson = problem(
      "ERR_REQUEST_INVALID",
      "The body must be JSON in UTF-8 without a byte order mark.",
    );
    for (const body of ["", "{", `\ufeff${all}`]) expect(await send(json, body)).toEqual(notJson);
    expect(invalidated).toEqual([]);
    expect(await send({ "content-type": "Application/JSON; charset=utf-8" }, all)).toEqual(empty(204));
  });

  test("is 503 while Redis cannot be told", async () => {
    const fail = () => Promise.reject(new HotCopyUnavailable());
    await using failing = await startApp({
      store: { ...store, invalidate: fail, invalidateAll: fail },
      adminToken,
    });
    for (const body of [{ all: true }, { loginId: "a" }]) {
      const answer = await invalidate(failing, body);
      expect(outcomeOf(answer)).toEqual(problem("ERR_REDIS_UNAVAILABLE"));
      expect(answer.headers.get("retry-after")).toBe("1");
    }
  });

  test("is not on the public listener", async () => {
    const request = { method: "POST", headers: { authorization: `Bearer ${adminToken}` } };
    for (const path of ["/admin/invalidate", "/ownid/admin/invalidate"]) {
      expect((await fetch(app.publicUrl + path, request)).status).toBe(404);
    }
  });
});

describe("GET /metrics", () => {
  test("is text for Prometheus, on the ops listener alone", async () => {
    const response = await fetch(`${app.opsUrl}/metrics`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toStartWith("text/plain; version=0.0.4");
    expect(await response.text()).toContain('ownid_store_events_total{event="stale_hit"} 0');
    expect((await fetch(`${app.publicUrl}/metrics`)).status).toBe(404);
  });
});
