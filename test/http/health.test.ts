import { describe, expect, test } from "bun:test";
import { exchangeRaw, rawRequest } from "../../scripts/client/raw-http.ts";
import type { Readiness, ReadinessReport } from "../../src/process/dependency-watch.ts";
import { empty, json, outcomeOf, problem } from "../support/problems.ts";
import { type RunningApp, startApp } from "../support/running-app.ts";

const redis = { status: "not configured" } as const;
const away = { status: "unavailable", reason: "nothing answers", fix: "start it" } as const;

const ask = (app: RunningApp, path: string, method = "GET") => askAt(app.opsUrl + path, method);

async function askAt(url: string, method: string) {
  const response = await fetch(url, { method, redirect: "manual" });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

function readinessOf(report: ReadinessReport): Readiness {
  return { report: () => report, isDraining: () => report.status === "draining" };
}

describe("readyz", () => {
  test("is 200 while the database answers", async () => {
    await using app = await startApp();
    const expected = { status: "ok", dependencies: { database: { status: "ok" }, redis }, filling: false };
    for (const path of ["/readyz", "/readyz/"]) {
      const answer = await ask(app, path);
      expect(outcomeOf(answer)).toEqual(json(200, expected));
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
  });

  test("is 503 with the reason before the first contact and while the database is away", async () => {
    for (const status of ["starting", "unavailable"] as const) {
      const report = { status, dependencies: { database: away, redis }, filling: false };
      await using app = await startApp({ readiness: readinessOf(report) });
      expect(outcomeOf(await ask(app, "/readyz"))).toEqual(json(503, report));
    }
  });

  test("is 503 from the moment of the drain", async () => {
    await using app = await startApp();
    app.watch.drain();
    const expected = {
      status: "draining",
      dependencies: { database: { status: "ok" }, redis },
      filling: false,
    };
    expect(outcomeOf(await ask(app, "/readyz"))).toEqual(json(503, expected));
  });
});

describe("livez", () => {
  test("is 200 as long as the process works, whatever the database does", async () => {
    for (const status of ["ok", "starting", "unavailable", "draining"] as const) {
      const dependencies = { database: status === "ok" ? ({ status: "ok" } as const) : away, redis };
      await using app = await startApp({ readiness: readinessOf({ status, dependencies, filling: false }) });
      expect(outcomeOf(await ask(app, "/livez"))).toEqual(json(200, { status: "ok", dependencies }));
    }
  });
});

describe("the ops listener", () => {
  test("answers other methods with 405", async () => {
    await using app = await startApp();
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const answer = await ask(app, "/readyz", method);
      expect(outcomeOf(answer)).toEqual(problem("ERR_METHOD_NOT_ALLOWED"));
      expect(answer.headers.get("allow")).toBe("GET, HEAD");
    }
  });

  test("answers unknown paths with 404, the signed endpoints among them", async () => {
    await using app = await startApp();
    expect(outcomeOf(await ask(app, "/nothing"))).toEqual(problem("ERR_PATH_UNKNOWN"));
    const request = app.client.sign("getOwnIDDataByLoginId", { loginId: "sol@testmail.com" });
    const answer = await app.client.send({ ...request, url: request.url.replace(app.publicUrl, app.opsUrl) });
    expect(outcomeOf(answer)).toEqual(problem("ERR_PATH_UNKNOWN"));
  });

  test("is another one than the public: that does not tell how the sidecar is", async () => {
    await using app = await startApp();
    for (const path of ["/livez", "/readyz", "/ownid/readyz"]) {
      expect((await fetch(app.publicUrl + path)).status).toBe(404);
    }
  });
});

describe("a process that drains", () => {
  test("closes the connection with each answer, and serves it all the same", async () => {
    await using app = await startApp({ users: [{ email: "sol@testmail.com", ownIdData: "data" }] });
    const { client } = app;
    expect((await client.get("sol@testmail.com")).headers.get("connection")).not.toBe("close");
    app.watch.drain();
    const answers = [
      await client.get("sol@testmail.com"),
      await client.set("sol@testmail.com", ""),
      await client.get("nobody"),
      await client.send({ ...client.sign("getOwnIDDataByLoginId", "{}"), method: "GET" }),
      await ask(app, "/readyz"),
      await ask(app, "/nothing"),
      await askAt(`${app.publicUrl}/.well-known/jwks.json`, "GET"),
      await askAt(`${app.publicUrl}/.well-known/jwks.json`, "HEAD"),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 204, 404, 405, 503, 404, 200, 200]);
    expect(outcomeOf(answers[0] ?? expect.unreachable())).toEqual(json(200, { ownIdData: "data" }));
    expect(outcomeOf(answers[1] ?? expect.unreachable())).toEqual(empty(204));
    for (const { headers } of answers) expect(headers.get("connection")).toBe("close");
  });

  test("ends the connection itself, and keeps it for more requests before", async () => {
    await using app = await startApp();
    const lookup = () =>
      rawRequest(app.client.sign("getOwnIDDataByLoginId", { loginId: "sol@testmail.com" }));
    expect((await exchangeRaw(app.publicUrl, lookup())).closed).toBe(false);
    app.watch.drain();
    const last = await exchangeRaw(app.publicUrl, { ...lookup(), untilClosed: true });
    expect([last.status, last.closed]).toEqual([204, true]);
  });
});
