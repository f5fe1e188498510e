import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { empty, json, outcomeOf, problem } from "../support/problems.ts";
import { type RunningApp, startApp } from "../support/running-app.ts";
import { verbatimTexts } from "../support/verbatim-texts.ts";

const sol = "sol@testmail.com";

let app: RunningApp;
beforeAll(async () => {
  app = await startApp({
    users: [{ email: sol }, { email: "blocked@testmail.com", ownIdData: "old", blocked: true }],
  });
});
beforeEach(() => app.table.write(sol, "old"));
afterAll(() => app[Symbol.asyncDispose]());

const send = (content: Record<string, unknown> | string) =>
  app.client.send(app.client.sign("setOwnIDDataByLoginId", content));

describe("204", () => {
  test("is empty, and the table holds the value to the byte", async () => {
    for (const ownIdData of [
      ...verbatimTexts,
      "\u0001\u007f",
      "\uffff",
      '{"device":"é😀\u2028"},'.repeat(2400),
    ]) {
      const answer = await app.client.set(sol, ownIdData);
      expect(outcomeOf(answer)).toEqual(empty(204));
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(app.table.read(sol)).toBe(ownIdData);
      expect(outcomeOf(await app.client.get(sol))).toEqual(json(200, { ownIdData }));
    }
  });

  test("keeps a value that was spelled with JSON escapes as the text they mean", async () => {
    await send(`{"ownIdData":"\\u00e9\\ud83d\\ude00\\/","loginId":"${sol}"}`);
    expect(app.table.read(sol)).toBe("é😀/");
  });

  test("ignores fields that it does not know", async () => {
    const answer = await send({ loginId: sol, ownIdData: "new", sessionType: 1, more: { deep: [1] } });
    expect(outcomeOf(answer)).toEqual(empty(204));
    expect(app.table.read(sol)).toBe("new");
  });

  test("takes the empty text, which leaves the user without data", async () => {
    expect(outcomeOf(await app.client.set(sol, ""))).toEqual(empty(204));
    expect(outcomeOf(await app.client.get(sol))).toEqual(empty(204));
  });

  test("is the answer a second time too", async () => {
    for (let time = 0; time < 2; time += 1)
      expect(outcomeOf(await app.client.set(sol, "new"))).toEqual(empty(204));
    expect(app.table.read(sol)).toBe("new");
  });

  test("changes nobody else's data", async () => {
    app.table.insert({ email: "SOL@testmail.com", ownIdData: "hers" });
    await app.client.set(sol, "new");
    expect(app.table.read("SOL@testmail.com")).toBe("hers");
    app.table.remove("SOL@testmail.com");
  });

  test("is also given on the path with a trailing slash, without a redirect", async () => {
    const request = app.client.sign("setOwnIDDataByLoginId", { loginId: sol, ownIdData: "slash" });
    expect(outcomeOf(await app.client.send({ ...request, url: `${request.url}/` }))).toEqual(empty(204));
    expect(app.table.read(sol)).toBe("slash");
  });
});

describe("404", () => {
  test("is empty for an unknown user, who is not created", async () => {
    const before = app.table.count();
    expect(outcomeOf(await app.client.set("mia@testmail.com", "x"))).toEqual(empty(404));
    expect(app.table.count()).toBe(before);
  });
});

describe("423", () => {
  test("meets a blocked user, whose data stays", async () => {
    expect(outcomeOf(await app.client.set("blocked@testmail.com", "new"))).toEqual(
      problem("ERR_USER_BLOCKED"),
    );
    expect(app.table.read("blocked@testmail.com")).toBe("old");
  });
});

describe("400", () => {
  test("says that ownIdData must be a text, and writes nothing", async () => {
    const expected = problem("ERR_REQUEST_INVALID", "ownIdData must be a string.");
    for (const ownIdData of [undefined, null, 1, false, [], {}, { devices: [] }]) {
      expect(outcomeOf(await send({ loginId: sol, ownIdData }))).toEqual(expected);
    }
    for (const otherName of ["ownidData", "ownIDData", "ownIddata"]) {
      expect(outcomeOf(await send({ loginId: sol, [otherName]: "x" }))).toEqual(expected);
    }
    expect(app.table.read(sol)).toBe("old");
  });

  test("says what no column can hold, and writes nothing", async () => {
    const nul = problem("ERR_REQUEST_INVALID", "ownIdData must not contain the character U+0000.");
    const surrogate = problem("ERR_REQUEST_INVALID", "ownIdData must not contain a lone surrogate.");
    for (const spelled of ["\\u0000", "a\\u0000b"]) {
      expect(outcomeOf(await send(`{"loginId":"${sol}","ownIdData":"${spelled}"}`))).toEqual(nul);
    }
    for (const spelled of ["\\ud800", "a\\udc00b", "\\ude00\\ud83d"]) {
      expect(outcomeOf(await send(`{"loginId":"${sol}","ownIdData":"${spelled}"}`))).toEqual(surrogate);
    }
    expect(app.table.read(sol)).toBe("old");
  });

  test("says that loginId must be a text", async () => {
    const expected = problem("ERR_REQUEST_INVALID", "loginId must be a string of 1 to 320 characters.");
    for (const loginId of [undefined, null, 1, "", [sol], {}]) {
      expect(outcomeOf(await send({ loginId, ownIdData: "x" }))).toEqual(expected);
    }
  });
});
