import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Endpoint } from "../../scripts/client/endpoints.ts";
import type { SignedRequest } from "../../scripts/client/signed-client.ts";
import { withoutReplayGuard } from "../../src/replay/replay-guard.ts";
import { empty, json, outcomeOf, problem } from "../support/problems.ts";
import { type RunningApp, startApp } from "../support/running-app.ts";

const sol = "sol@testmail.com";

let app: RunningApp;
beforeAll(async () => {
  app = await startApp();
});
beforeEach(() => app.table.write(sol, "old"));
afterAll(() => app[Symbol.asyncDispose]());

const at = (request: SignedRequest, endpoint: Endpoint): SignedRequest => ({
  ...request,
  url: `${app.baseUrl}/${endpoint}`,
});

describe("a copy of a lookup", () => {
  test("is answered afresh", async () => {
    const request = app.client.sign("getOwnIDDataByLoginId", { loginId: sol });
    expect(outcomeOf(await app.client.send(request))).toEqual(json(200, { ownIdData: "old" }));
    app.table.write(sol, "new");
    expect(outcomeOf(await app.client.send(request))).toEqual(json(200, { ownIdData: "new" }));
  });

  test("is refused as a session request, while the lookup itself still works", async () => {
    const request = app.client.sign("getOwnIDDataByLoginId", { loginId: sol });
    expect((await app.client.send(request)).status).toBe(200);
    const copy = await app.client.send(at(request, "getSessionByLoginId"));
    expect(outcomeOf(copy)).toEqual(problem("ERR_SIGNATURE_INVALID"));
    expect((await app.client.send(request)).status).toBe(200);
  });

  test("is refused as a session request also for an unknown user", async () => {
    const request = app.client.sign("getOwnIDDataByLoginId", { loginId: "mia@testmail.com" });
    expect((await app.client.send(request)).status).toBe(404);
    const copy = await app.client.send(at(request, "getSessionByLoginId"));
    expect(outcomeOf(copy)).toEqual(problem("ERR_SIGNATURE_INVALID"));
  });
});

describe("a copy of a set", () => {
  test("is answered as the first was, and does not bring an older value back", async () => {
    const older = app.client.sign("setOwnIDDataByLoginId", { loginId: sol, ownIdData: "older" });
    expect(outcomeOf(await app.client.send(older))).toEqual(empty(204));
    expect(outcomeOf(await app.client.set(sol, "newer"))).toEqual(empty(204));
    expect(outcomeOf(await app.client.send(older))).toEqual(empty(204));
    expect(app.table.read(sol)).toBe("newer");
  });

  test("is refused as a lookup", async () => {
    const request = app.client.sign("setOwnIDDataByLoginId", { loginId: sol, ownIdData: "x" });
    await app.client.send(request);
    const copy = await app.client.send(at(request, "getOwnIDDataByLoginId"));
    expect(outcomeOf(copy)).toEqual(problem("ERR_SIGNATURE_INVALID"));
  });

  test("runs when the first is known to have failed", async () => {
    const request = app.client.sign("setOwnIDDataByLoginId", { loginId: "mia@testmail.com", ownIdData: "x" });
    expect((await app.client.send(request)).status).toBe(404);
    app.table.insert({ email: "mia@testmail.com" });
    expect((await app.client.send(request)).status).toBe(204);
    expect(app.table.read("mia@testmail.com")).toBe("x");
    app.table.remove("mia@testmail.com");
  });

  test("of many at once is executed once", async () => {
    const request = app.client.sign("setOwnIDDataByLoginId", { loginId: sol, ownIdData: "new" });
    const statuses = (await Promise.all(Array.from({ length: 30 }, () => app.client.send(request)))).map(
      ({ status }) => status,
    );
    expect(statuses).toContain(204);
    expect(statuses.filter((status) => status !== 204 && status !== 503)).toEqual([]);
  });
});

describe("a copy of a session request", () => {
  test("gives no second session", async () => {
    const request = app.client.sign("getSessionByLoginId", { loginId: sol, sessionType: "browser" });
    expect((await app.client.send(request)).status).toBe(200);
    for (let copy = 0; copy < 3; copy += 1) {
      expect(outcomeOf(await app.client.send(request))).toEqual(problem("ERR_SIGNATURE_INVALID"));
    }
  });

  test("of many at once gives one session", async () => {
    const request = app.client.sign("getSessionByLoginId", { loginId: sol });
    const answers = await Promise.all(Array.from({ length: 30 }, () => app.client.send(request)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test("is refused as a lookup", async () => {
    const request = app.client.sign("getSessionByLoginId", { loginId: sol });
    await app.client.send(request);
    const copy = await app.client.send(at(request, "getOwnIDDataByLoginId"));
    expect(outcomeOf(copy)).toEqual(problem("ERR_SIGNATURE_INVALID"));
  });
});

describe("a signature that did not hold", () => {
  test("does not use up the one that does", async () => {
    const request = app.client.sign("getSessionByLoginId", { loginId: sol });
    await app.client.send({ ...request, body: new TextEncoder().encode("{}") });
    await app.client.send({ ...request, headers: { ...request.headers, "ownid-timestamp": "1" } });
    expect((await app.client.send(request)).status).toBe(200);
  });
});

describe("with REPLAY_PROTECTION=off", () => {
  test("a copy runs again, and on another endpoint too", async () => {
    await using open = await startApp({ replayGuard: withoutReplayGuard });
    const request = open.client.sign("getOwnIDDataByLoginId", { loginId: sol });
    expect((await open.client.send(request)).status).toBe(204);
    const copy = { ...request, url: `${open.baseUrl}/getSessionByLoginId` };
    for (let time = 0; time < 2; time += 1) expect((await open.client.send(copy)).status).toBe(200);
  });
});
