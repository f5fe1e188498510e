import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Endpoint } from "../../scripts/client/endpoints.ts";
import { exchangeRaw, rawRequest } from "../../scripts/client/raw-http.ts";
import type { SignedRequest } from "../../scripts/client/signed-client.ts";
import { empty, json, outcomeOf, outcomeOfRaw, problem } from "../support/problems.ts";
import { type RunningApp, startApp } from "../support/running-app.ts";

const sol = "sol@testmail.com";
const limit = 65_536;
const tooLarge = problem("ERR_BODY_TOO_LARGE");
const wrongLoginId = problem("ERR_REQUEST_INVALID", "loginId must be a string of 1 to 320 characters.");
const notJson = problem("ERR_REQUEST_INVALID", "The body must be JSON in UTF-8 without a byte order mark.");
const endpoints: readonly Endpoint[] = [
  "setOwnIDDataByLoginId",
  "getOwnIDDataByLoginId",
  "getSessionByLoginId",
];

let app: RunningApp;
/** With a limit that leaves room for what is large in other ways. */
let roomy: RunningApp;
beforeAll(async () => {
  app = await startApp({ users: [{ email: sol, ownIdData: "data" }], bodyBytesMax: limit });
  roomy = await startApp({ users: [{ email: sol, ownIdData: "data" }], bodyBytesMax: 4_000_000 });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await roomy[Symbol.asyncDispose]();
});

const send = (request: SignedRequest) => app.client.send(request);
const sendTo = (to: RunningApp, body: Uint8Array | string, endpoint: Endpoint = "getOwnIDDataByLoginId") =>
  to.client.send(to.client.sign(endpoint, body));

/** A lookup whose body has just so many bytes. */
function bodyOf(bytes: number): string {
  const [before, after] = [`{"loginId":"${sol}","x":"`, '"}'];
  return before + "x".repeat(bytes - before.length - after.length) + after;
}

/** The request's head as bytes, with other lines in place of its length. */
function rawHead(request: SignedRequest, lines: string): string {
  const [head] = rawRequest({ ...request, body: new Uint8Array() }, lines).parts;
  return String(head).replace("content-length: 0\r\n", "");
}

function* chunked(body: Uint8Array, size: number): Generator<string | Uint8Array> {
  for (let at = 0; at < body.length; at += size) {
    const chunk = body.subarray(at, at + size);
    yield `${chunk.length.toString(16)}\r\n`;
    yield chunk;
    yield "\r\n";
  }
  yield "0\r\n\r\n";
}

describe("the size of a body", () => {
  test("may be the limit to the byte, and not one more", async () => {
    expect(outcomeOf(await sendTo(app, bodyOf(limit)))).toEqual(json(200, { ownIdData: "data" }));
    expect(outcomeOf(await sendTo(app, bodyOf(limit + 1)))).toEqual(tooLarge);
  });

  test("may be the limit to the byte when it comes in chunks, and not one more", async () => {
    for (const chunkSize of [1000, limit * 2]) {
      for (const [bytes, expected] of [
        [limit, json(200, { ownIdData: "data" })],
        [limit + 1, tooLarge],
      ] as const) {
        const request = app.client.sign("getOwnIDDataByLoginId", bodyOf(bytes));
        const head = rawHead(request, "Transfer-Encoding: chunked\r\n");
        const answer = await exchangeRaw(app.publicUrl, {
          parts: [head, ...chunked(request.body, chunkSize)],
        });
        expect(outcomeOfRaw(answer)).toEqual(expected);
      }
    }
  });

  test("is refused by what it is declared to be, before any of it has come", async () => {
    for (const endpoint of endpoints) {
      const request = app.client.sign(endpoint, { loginId: sol });
      for (const declared of [limit + 1, 10_000_000, 99_999_999_999]) {
        const head = rawHead(request, `Content-Length: ${declared}\r\n`);
        expect(outcomeOfRaw(await exchangeRaw(app.publicUrl, { parts: [head] }))).toEqual(tooLarge);
      }
    }
  });

  test("is refused while chunks that do not end are still coming, and little of them is kept", async () => {
    const request = app.client.sign("getOwnIDDataByLoginId", { loginId: sol });
    const head = rawHead(request, "Transfer-Encoding: chunked\r\n");
    const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
    const before = process.memoryUsage.rss();
    function* endless() {
      yield head;
      for (let sent = 0; sent < 1000; sent += 1) yield chunk;
    }
    expect(outcomeOfRaw(await exchangeRaw(app.publicUrl, { parts: endless() }))).toEqual(tooLarge);
    expect(process.memoryUsage.rss() - before).toBeLessThan(40_000_000);
  });

  test("that contradicts itself is refused by the server before any route", async () => {
    const request = app.client.sign("getOwnIDDataByLoginId", { loginId: sol });
    const length = request.body.length;
    for (const lines of [
      `Content-Length: ${length}\r\nContent-Length: 3\r\n`,
      `Content-Length: ${length}\r\nTransfer-Encoding: chunked\r\n`,
      `Transfer-Encoding: gzip, chunked\r\n`,
      "Content-Length: -1\r\n",
      "Content-Length: 0x10\r\n",
      "Content-Length: many\r\n",
      "Content-Length: 99999999999999999999999999\r\n",
    ]) {
      const answer = await exchangeRaw(app.publicUrl, { parts: [rawHead(request, lines), request.body] });
      expect({ lines, status: answer.status, body: answer.body }).toEqual({ lines, status: 400, body: "" });
    }
  });

  test("leaves the listener well after requests that were cut off in the middle", async () => {
    const request = app.client.sign("getOwnIDDataByLoginId", { loginId: sol });
    for (const part of [0, 5, request.body.length - 1]) {
      const parts = [
        rawHead(request, `Content-Length: ${request.body.length}\r\n`),
        request.body.subarray(0, part),
      ];
      await exchangeRaw(app.publicUrl, { parts, hangUp: true }).catch(() => null);
    }
    expect((await send(app.client.sign("getOwnIDDataByLoginId", { loginId: sol }))).status).toBe(200);
  });

  test("may be none", async () => {
    expect(outcomeOf(await sendTo(app, ""))).toEqual(notJson);
  });
});

describe("the text of a body", () => {
  test("must be UTF-8: wrong bytes are refused, not replaced", async () => {
    const wrongBytes = [
      [0xff],
      [0xc3],
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
      [0xf5, 0x80, 0x80, 0x80],
      [0xf0, 0x9f, 0x98],
      [0x80],
    ];
    for (const bytes of wrongBytes) {
      const body = Buffer.concat([
        Buffer.from(`{"loginId":"${sol}","ownIdData":"`),
        Buffer.from(bytes),
        Buffer.from('"}'),
      ]);
      for (const endpoint of endpoints) expect(outcomeOf(await sendTo(app, body, endpoint))).toEqual(notJson);
    }
    expect(app.table.read(sol)).toBe("data");
  });

  test("must not be UTF-16, nor begin with a byte order mark", async () => {
    const text = `{"loginId":"${sol}"}`;
    for (const body of [
      Buffer.from(text, "utf16le"),
      Buffer.from(`\ufeff${text}`, "utf16le"),
      `\ufeff${text}`,
    ]) {
      expect(outcomeOf(await sendTo(app, body))).toEqual(notJson);
    }
  });

  test("must be JSON, whole and nothing else", async () => {
    const text = `{"loginId":"${sol}"}`;
    const broken = [
      ...["{", text.slice(0, -1), `${text}x`, `${text}${text}`, `${text}\0`, `\0${text}`, "undefined", "NaN"],
      ...[
        `{'loginId':'${sol}'}`,
        `{loginId:"${sol}"}`,
        `{"loginId":"${sol}",}`,
        `${text}//`,
        "loginId=x",
        " ",
      ],
      ...[`{"loginId":"a\nb"}`, `{"loginId":"\\x41"}`, `{"loginId":"\\u00g0"}`, `{"loginId":01}`],
    ];
    for (const body of broken) {
      expect({ body, outcome: outcomeOf(await sendTo(app, body)) }).toEqual({ body, outcome: notJson });
    }
  });

  test("must be an object", async () => {
    for (const body of ["null", "1", "true", '"x"', "[]", `["${sol}"]`, `[{"loginId":"${sol}"}]`]) {
      const { status, body: answer } = await sendTo(app, body);
      expect({ body, status, code: JSON.parse(answer).code }).toEqual({
        body,
        status: 400,
        code: "ERR_REQUEST_INVALID",
      });
    }
  });
});

describe("hostile JSON", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  const keys = (count: number) => Array.from({ length: count }, (_, index) => `"k${index}":1`).join(",");

  test("of the last of two equal names counts", async () => {
    const twice = await sendTo(app, `{"loginId":"mia@testmail.com","loginId":"${sol}"}`);
    expect(outcomeOf(twice)).toEqual(json(200, { ownIdData: "data" }));
    expect(outcomeOf(await sendTo(app, `{"loginId":"${sol}","loginId":"mia@testmail.com"}`))).toEqual(
      empty(404),
    );
    const captured = `{"loginId":"${sol}","ownIdData":"x","ownIdData":"y"}`;
    expect((await sendTo(app, captured, "getSessionByLoginId")).status).toBe(400);
  });

  test("with __proto__, constructor or toString is a body without loginId", async () => {
    for (const name of ["__proto__", "constructor", "prototype", "toString"]) {
      expect(outcomeOf(await sendTo(app, `{"${name}":{"loginId":"${sol}"}}`))).toEqual(wrongLoginId);
    }
    expect(Object.hasOwn(Object.prototype, "loginId")).toBe(false);
    expect({}).not.toHaveProperty("loginId");
  });

  test("cannot bring the fields that an endpoint looks for by way of __proto__", async () => {
    const body = `{"loginId":"${sol}","__proto__":{"ownIdData":"x","sessionType":"desktop"}}`;
    expect((await sendTo(app, body, "getSessionByLoginId")).status).toBe(200);
    expect((await sendTo(app, body, "setOwnIDDataByLoginId")).status).toBe(400);
    expect(app.table.read(sol)).toBe("data");
  });

  test("nested a hundred thousand deep in a field that nobody asks for is ignored", async () => {
    const answer = await sendTo(roomy, `{"loginId":"${sol}","x":${nested(100_000)}}`);
    expect(outcomeOf(answer)).toEqual(json(200, { ownIdData: "data" }));
  });

  test("nested deep in a field that must be a text is refused", async () => {
    for (const depth of [100, 3000, 30_000]) {
      expect({ depth, outcome: outcomeOf(await sendTo(app, `{"loginId":${nested(depth)}}`)) }).toEqual({
        depth,
        outcome: wrongLoginId,
      });
    }
    expect(outcomeOf(await sendTo(roomy, `{"loginId":${nested(100_000)}}`))).toEqual(wrongLoginId);
    const objects = `{"loginId":"${sol}","ownIdData":${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}}`;
    const expected = problem("ERR_REQUEST_INVALID", "ownIdData must be a string.");
    expect(outcomeOf(await sendTo(app, objects, "setOwnIDDataByLoginId"))).toEqual(expected);
  });

  test("that is nothing but nesting is refused", async () => {
    for (const body of [nested(30_000), "[".repeat(60_000), '{"a":'.repeat(10_000)]) {
      expect((await sendTo(app, body)).status).toBe(400);
    }
  });

  test("with a hundred thousand names is answered like any other", async () => {
    const answer = await sendTo(roomy, `{${keys(100_000)},"loginId":"${sol}"}`);
    expect(outcomeOf(answer)).toEqual(json(200, { ownIdData: "data" }));
    expect(outcomeOf(await sendTo(roomy, `{${keys(100_000)}}`))).toEqual(wrongLoginId);
  });

  test("with numbers beyond all measure is refused where a text belongs", async () => {
    for (const number of ["1e999999", "-0", "9".repeat(10_000), `0.${"0".repeat(10_000)}1`]) {
      expect(outcomeOf(await sendTo(app, `{"loginId":${number}}`))).toEqual(wrongLoginId);
    }
  });

  test("within the default limit costs less than 15 times as much as a plain body, whatever it is", async () => {
    const plain = JSON.stringify({ loginId: sol, x: "x".repeat(60_000) });
    const hostile = [
      `{"loginId":${nested(3000)}}`,
      `{"loginId":${nested(30_000)}}`,
      `{"loginId":"${sol}","x":${nested(30_000)}}`,
      `{${keys(5000)}}`,
      `{"loginId":[${Array(20_000).fill(1).join(",")}]}`,
      nested(30_000),
    ];
    const least = new Map<string, number>();
    // Each round sends all of them, so that a slow machine is slow for all.
    for (let round = 0; round < 5; round += 1)
      for (const body of [plain, ...hostile]) {
        const request = app.client.sign("getOwnIDDataByLoginId", body);
        const before = process.cpuUsage();
        await send(request);
        const { user, system } = process.cpuUsage(before);
        least.set(body, Math.min(least.get(body) ?? Number.POSITIVE_INFINITY, user + system));
      }
    const limit = 15 * (least.get(plain) ?? 0);
    const tooSlow = hostile.filter((body) => (least.get(body) ?? limit) >= limit);
    expect(tooSlow.map((body) => body.slice(0, 20))).toEqual([]);
  });
});
