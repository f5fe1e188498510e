import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createPublicKey } from "node:crypto";
import jwt from "jsonwebtoken";
import type { Answer } from "../../scripts/client/signed-client.ts";
import { empty, json, outcomeOf, problem } from "../support/problems.ts";
import { type RunningApp, startApp } from "../support/running-app.ts";

const sol = "sol@testmail.com";

let app: RunningApp;
beforeAll(async () => {
  app = await startApp({ users: [{ email: sol }, { email: "blocked@testmail.com", blocked: true }] });
});
beforeEach(() => app.table.write(sol, "old"));
afterAll(() => app[Symbol.asyncDispose]());

const send = (content: Record<string, unknown>) =>
  app.client.send(app.client.sign("getSessionByLoginId", content));

function payloadOf(answer: Answer): jwt.JwtPayload {
  expect(outcomeOf(answer)).toEqual(json(200, { token: expect.any(String) }));
  const payload = jwt.decode(JSON.parse(answer.body).token, { json: true });
  if (payload === null) throw new Error("the token has no payload");
  return payload;
}

describe("200", () => {
  test("gives a token that another library verifies with the published key", async () => {
    const answer = await app.client.session(sol);
    const { token } = JSON.parse(answer.body);
    const { keys } = JSON.parse(await (await fetch(`${app.publicUrl}/.well-known/jwks.json`)).text());
    const kid = jwt.decode(token, { complete: true })?.header.kid;
    const key = keys.find((candidate: { kid: string }) => candidate.kid === kid);
    const payload = jwt.verify(token, createPublicKey({ key, format: "jwk" }), {
      algorithms: ["ES256"],
      issuer: "ownid-sidecar",
      audience: "website",
      clockTimestamp: Math.floor(app.clock.nowMs / 1000),
    });
    expect(payload.sub).toBe(sol);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  test("gives a session of its own each time, with its kind when OwnID named one", async () => {
    const payloads = [
      await app.client.session(sol),
      await app.client.session(sol, "browser"),
      await send({ loginId: sol, sessionType: "mobile" }),
    ].map(payloadOf);
    expect(payloads.map(({ session_type }) => session_type)).toEqual([undefined, "browser", "mobile"]);
    expect(new Set(payloads.flatMap(({ jti, sid }) => [jti, sid])).size).toBe(6);
  });

  test("counts a type that it does not know as none, and ignores fields that it does not know", async () => {
    for (const sessionType of ["", "Browser", "tablet", null, 1, true, ["browser"], { type: "mobile" }]) {
      const payload = payloadOf(await send({ loginId: sol, sessionType, deferred: { by: ["qr"] } }));
      expect(payload).not.toHaveProperty("session_type");
    }
  });

  test("reads the user from the database each time", async () => {
    app.table.insert({ email: "mia@testmail.com" });
    expect((await app.client.session("mia@testmail.com")).status).toBe(200);
    app.table.block("mia@testmail.com");
    expect((await app.client.session("mia@testmail.com")).status).toBe(423);
    app.table.remove("mia@testmail.com");
    expect((await app.client.session("mia@testmail.com")).status).toBe(404);
  });

  test("is also given on the path with a trailing slash, without a redirect", async () => {
    const request = app.client.sign("getSessionByLoginId", { loginId: sol });
    expect((await app.client.send({ ...request, url: `${request.url}/` })).status).toBe(200);
  });

  test("changes nothing of the user", async () => {
    await app.client.session(sol);
    expect(app.table.read(sol)).toBe("old");
  });
});

describe("404", () => {
  test("is empty for an unknown user", async () => {
    expect(outcomeOf(await app.client.session("nobody@testmail.com"))).toEqual(empty(404));
  });
});

describe("423", () => {
  test("meets a blocked user, without a token", async () => {
    expect(outcomeOf(await app.client.session("blocked@testmail.com"))).toEqual(problem("ERR_USER_BLOCKED"));
  });
});

describe("400", () => {
  test("meets a captured set request, whatever its ownIdData is", async () => {
    const captured = app.client.sign("setOwnIDDataByLoginId", { loginId: sol, ownIdData: "data" });
    const replayed = { ...captured, url: `${app.baseUrl}/getSessionByLoginId` };
    const expected = problem("ERR_REQUEST_INVALID", "ownIdData does not belong in a session request.");
    expect(outcomeOf(await app.client.send(replayed))).toEqual(expected);
    for (const ownIdData of ["", null, 1, {}]) {
      expect(outcomeOf(await send({ loginId: sol, ownIdData, sessionType: "browser" }))).toEqual(expected);
    }
  });

  test("says that loginId must be a text", async () => {
    const expected = problem("ERR_REQUEST_INVALID", "loginId must be a string of 1 to 320 characters.");
    for (const loginId of [undefined, null, 1, "", [sol], {}]) {
      expect(outcomeOf(await send({ loginId }))).toEqual(expected);
    }
  });
});

describe("with REQUIRE_SESSION_TYPE=true", () => {
  test("refuses a request without sessionType, and so a captured lookup", async () => {
    await using strict = await startApp({ requireSessionType: true });
    const { client } = strict;
    const expected = problem("ERR_REQUEST_INVALID", "sessionType must be a string.");
    expect(outcomeOf(await client.session(sol))).toEqual(expected);
    for (const sessionType of [null, 1, ["browser"], {}]) {
      const request = client.sign("getSessionByLoginId", { loginId: sol, sessionType });
      expect(outcomeOf(await client.send(request))).toEqual(expected);
    }
    const captured = client.sign("getOwnIDDataByLoginId", { loginId: sol });
    const replayed = await client.send({ ...captured, url: `${strict.baseUrl}/getSessionByLoginId` });
    expect(outcomeOf(replayed)).toEqual(expected);
    expect(payloadOf(await client.session(sol, "mobile")).session_type).toBe("mobile");
  });

  test("ignores fields that it does not know, in a lookup too", async () => {
    await using strict = await startApp({
      requireSessionType: true,
      users: [{ email: sol, ownIdData: "data" }],
    });
    const { client } = strict;
    const unknown = { more: { deep: [1] }, deferred: 1 };
    const session = client.sign("getSessionByLoginId", { loginId: sol, sessionType: "mobile", ...unknown });
    expect(payloadOf(await client.send(session)).session_type).toBe("mobile");
    const lookup = client.sign("getOwnIDDataByLoginId", { loginId: sol, ...unknown });
    expect(outcomeOf(await client.send(lookup))).toEqual(json(200, { ownIdData: "data" }));
  });

  test("takes any text as a type, and names only the known ones in the token", async () => {
    await using strict = await startApp({ requireSessionType: true });
    for (const [sessionType, named] of [
      ["mobile", "mobile"],
      ["tablet", undefined],
      ["", undefined],
    ] as const) {
      expect(payloadOf(await strict.client.session(sol, sessionType)).session_type).toBe(named);
    }
  });

  test("refuses a captured session or set request as a lookup", async () => {
    await using strict = await startApp({ requireSessionType: true });
    const { client } = strict;
    for (const [field, value] of [
      ["sessionType", "mobile"],
      ["sessionType", null],
      ["ownIdData", "data"],
      ["ownIdData", {}],
    ] as const) {
      const request = client.sign("getOwnIDDataByLoginId", { loginId: sol, [field]: value });
      const expected = problem("ERR_REQUEST_INVALID", `${field} does not belong in a lookup.`);
      expect(outcomeOf(await client.send(request))).toEqual(expected);
    }
  });

  test("still refuses a captured set request that names a type", async () => {
    await using strict = await startApp({ requireSessionType: true });
    const { client } = strict;
    const content = { loginId: sol, ownIdData: "data", sessionType: "mobile" };
    const expected = problem("ERR_REQUEST_INVALID", "ownIdData does not belong in a session request.");
    expect(outcomeOf(await client.send(client.sign("getSessionByLoginId", content)))).toEqual(expected);
  });

  test("accepts the body of each request on its own endpoint alone", async () => {
    await using strict = await startApp({ requireSessionType: true });
    const bodies = [
      ["getOwnIDDataByLoginId", { loginId: sol }],
      ["setOwnIDDataByLoginId", { loginId: sol, ownIdData: "x" }],
      ["getSessionByLoginId", { loginId: sol, sessionType: "browser" }],
    ] as const;
    for (const [own, body] of bodies) {
      for (const [endpoint] of bodies) {
        const { status } = await strict.client.send(strict.client.sign(endpoint, body));
        expect([own, endpoint, status === 400]).toEqual([own, endpoint, endpoint !== own]);
      }
    }
  });

  test("leaves the other endpoints as they are", async () => {
    await using strict = await startApp({ requireSessionType: true });
    expect(outcomeOf(await strict.client.set(sol, "x"))).toEqual(empty(204));
    expect(outcomeOf(await strict.client.get(sol))).toEqual(json(200, { ownIdData: "x" }));
  });
});
