import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { empty, json, outcomeOf, problem } from "../support/problems.ts";
import { type RunningApp, startApp } from "../support/running-app.ts";
import { verbatimTexts } from "../support/verbatim-texts.ts";

const sol = "sol@testmail.com";

let app: RunningApp;
beforeAll(async () => {
  app = await startApp();
});
beforeEach(() => app.table.write(sol, null));
afterAll(() => app[Symbol.asyncDispose]());

const send = (content: Record<string, unknown> | string) =>
  app.client.send(app.client.sign("getOwnIDDataByLoginId", content));

describe("200", () => {
  test("answers what the table holds, to the byte", async () => {
    for (const ownIdData of [...verbatimTexts, '{"device":"é😀\u2028"},'.repeat(2500)]) {
      app.table.write(sol, ownIdData);
      expect(outcomeOf(await app.client.get(sol))).toEqual(json(200, { ownIdData }));
    }
  });

  test("ignores fields that it does not know", async () => {
    app.table.write(sol, "data");
    const answer = await send({
      loginId: sol,
      ownIdData: 5,
      sessionType: "x",
      more: { deep: [1] },
      constructor: 1,
    });
    expect(outcomeOf(answer)).toEqual(json(200, { ownIdData: "data" }));
  });

  test("also answers on the path with a trailing slash, without a redirect", async () => {
    app.table.write(sol, "data");
    const request = app.client.sign("getOwnIDDataByLoginId", { loginId: sol });
    const answer = await app.client.send({ ...request, url: `${request.url}/` });
    expect(outcomeOf(answer)).toEqual(json(200, { ownIdData: "data" }));
  });

  test("is kept out of caches and is not sniffed", async () => {
    app.table.write(sol, "data");
    const { headers } = await app.client.get(sol);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("access-control-allow-origin")).toBeNull();
    expect(headers.get("set-cookie")).toBeNull();
    expect(headers.get("connection")).not.toBe("close");
  });
});

describe("204", () => {
  test("is empty for a user without data, NULL and the empty text alike", async () => {
    for (const nothing of [null, ""]) {
      app.table.write(sol, nothing);
      const answer = await app.client.get(sol);
      expect(outcomeOf(answer)).toEqual(empty(204));
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    }
  });
});

describe("404", () => {
  test("is empty for an unknown user, and not remembered", async () => {
    const answer = await app.client.get("mia@testmail.com");
    expect(outcomeOf(answer)).toEqual(empty(404));
    expect(answer.headers.get("cache-control")).toBe("no-store");
    app.table.insert({ email: "mia@testmail.com" });
    expect(outcomeOf(await app.client.get("mia@testmail.com"))).toEqual(empty(204));
  });

  test("meets a login id that differs in case, form or white space", async () => {
    for (const loginId of [
      "SOL@testmail.com",
      " sol@testmail.com",
      "sol@testmail.com ",
      "sol@testmail.com\u200b",
    ]) {
      expect(outcomeOf(await app.client.get(loginId))).toEqual(empty(404));
    }
  });

  test("meets what looks like SQL, a pattern or a property of every object", async () => {
    for (const loginId of [
      "' OR 1=1 --",
      '" OR "1"="1',
      "%",
      "_ol@testmail.com",
      "__proto__",
      "constructor",
    ]) {
      expect(outcomeOf(await app.client.get(loginId))).toEqual(empty(404));
    }
  });
});

describe("400", () => {
  const wrongLoginId = problem("ERR_REQUEST_INVALID", "loginId must be a string of 1 to 320 characters.");

  test("says that loginId must be a text", async () => {
    for (const loginId of [undefined, null, 1, true, "", [sol], { $ne: null }]) {
      expect(outcomeOf(await send({ loginId }))).toEqual(wrongLoginId);
    }
    expect(outcomeOf(await send({ loginid: sol, LoginId: sol }))).toEqual(wrongLoginId);
  });

  test("says how long loginId may be", async () => {
    expect(outcomeOf(await app.client.get("a".repeat(320)))).toEqual(empty(404));
    expect(outcomeOf(await app.client.get("😀".repeat(320)))).toEqual(empty(404));
    for (const loginId of ["a".repeat(321), "😀".repeat(321)]) {
      const expected = problem("ERR_REQUEST_INVALID", "loginId must have 1 to 320 characters.");
      expect(outcomeOf(await app.client.get(loginId))).toEqual(expected);
    }
  });

  test("says that loginId must not contain control characters or half a surrogate pair", async () => {
    for (const loginId of ["\0", "a\0b", "a\nb", "\u007f", "\u0085"]) {
      const expected = problem("ERR_REQUEST_INVALID", "loginId must not contain control characters.");
      expect(outcomeOf(await app.client.get(loginId))).toEqual(expected);
    }
    for (const loginId of ["\\ud800", "a\\udc00", "\\ude00\\ud83d"]) {
      const expected = problem("ERR_REQUEST_INVALID", "loginId must not contain a lone surrogate.");
      expect(outcomeOf(await send(`{"loginId":"${loginId}"}`))).toEqual(expected);
    }
  });
});

describe("423", () => {
  test("says that the user is blocked, whether or not there are data", async () => {
    app.table.insert({ email: "blocked@testmail.com", ownIdData: "data", blocked: true });
    app.table.insert({ email: "blocked-too@testmail.com", blocked: true });
    for (const loginId of ["blocked@testmail.com", "blocked-too@testmail.com"])
      expect(outcomeOf(await app.client.get(loginId))).toEqual(problem("ERR_USER_BLOCKED"));
  });
});

describe("with LOGIN_ID_CASE=lower", () => {
  test("finds the lowered login id and no other", async () => {
    const users = [
      { email: "sol@testmail.com", ownIdData: "lower" },
      { email: "SOL@TESTMAIL.COM", ownIdData: "upper" },
    ];
    await using lower = await startApp({ loginIdCase: "lower", users });
    for (const loginId of ["sol@testmail.com", "SOL@TESTMAIL.COM", "Sol@TestMail.com"]) {
      expect(outcomeOf(await lower.client.get(loginId))).toEqual(json(200, { ownIdData: "lower" }));
    }
  });
});

describe("with COMPAT_ERROR_CODE_404=true", () => {
  test("answers an unknown user as OwnID's samples do, on all three endpoints", async () => {
    await using compat = await startApp({ compatErrorCode404: true });
    const { client } = compat;
    for (const answer of [
      await client.get("mia"),
      await client.set("mia", "x"),
      await client.session("mia"),
    ]) {
      expect(outcomeOf(answer)).toEqual(json(200, { errorCode: 404 }));
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
  });

  test("leaves every other answer as it is, an unknown path included", async () => {
    await using compat = await startApp({ compatErrorCode404: true });
    const { client } = compat;
    expect(outcomeOf(await client.get(sol))).toEqual(empty(204));
    const request = client.sign("getOwnIDDataByLoginId", { loginId: sol });
    const lost = await client.send({ ...request, url: `${compat.publicUrl}/nowhere` });
    expect(outcomeOf(lost)).toEqual(problem("ERR_PATH_UNKNOWN"));
  });
});
