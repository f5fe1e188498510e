import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Endpoint } from "../../scripts/client/endpoints.ts";
import { exchangeRaw, rawRequest } from "../../scripts/client/raw-http.ts";
import type { SignedRequest } from "../../scripts/client/signed-client.ts";
import { outcomeOf, outcomeOfRaw, type ProblemCode, problem } from "../support/problems.ts";
import { type RunningApp, startApp } from "../support/running-app.ts";

const sol = "sol@testmail.com";
const endpoints: readonly Endpoint[] = [
  "setOwnIDDataByLoginId",
  "getOwnIDDataByLoginId",
  "getSessionByLoginId",
];

let app: RunningApp;
beforeAll(async () => {
  app = await startApp({ bodyBytesMax: 1024 });
});
afterAll(() => app[Symbol.asyncDispose]());

const send = (request: SignedRequest) => app.client.send(request);
const withHeaders = (request: SignedRequest, headers: Record<string, string>): SignedRequest => ({
  ...request,
  headers: { ...request.headers, ...headers },
});

describe("405", () => {
  test("names POST, whatever the other method, with a trailing slash or not", async () => {
    for (const endpoint of endpoints) {
      const request = app.client.sign(endpoint, { loginId: sol });
      for (const method of ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
        for (const url of [request.url, `${request.url}/`, `${request.url}?a=b`]) {
          const answer = await send({ ...request, method, url });
          expect(outcomeOf(answer)).toEqual(problem("ERR_METHOD_NOT_ALLOWED"));
          expect(answer.headers.get("allow")).toBe("POST");
          expect(answer.headers.get("cache-control")).toBe("no-store");
          expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
          expect(answer.headers.get("access-control-allow-methods")).toBeNull();
        }
      }
    }
  });

  test("meets methods that clients seldom send, and HEAD without a body", async () => {
    for (const method of ["PROPFIND", "TRACE", "QUERY", "HEAD"]) {
      const head = `${method} /ownid/getSessionByLoginId HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
      const answer = await exchangeRaw(app.publicUrl, { parts: [head], withoutBody: method === "HEAD" });
      expect({ method, status: answer.status, allow: answer.headers.allow }).toEqual({
        method,
        status: 405,
        allow: "POST",
      });
    }
  });

  test("is given under a host name of any length", async () => {
    for (const host of ["a", "app", "localhost", "sidecar.internal:3300", "[::1]", ""]) {
      const head = `GET /ownid/getSessionByLoginId HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
      const answer = await exchangeRaw(app.publicUrl, { parts: [head] });
      expect({ host, outcome: outcomeOfRaw(answer) }).toEqual({
        host,
        outcome: problem("ERR_METHOD_NOT_ALLOWED"),
      });
    }
  });
});

describe("404", () => {
  test("meets every other path with a problem, unlike an unknown user", async () => {
    const request = app.client.sign("getOwnIDDataByLoginId", { loginId: sol });
    const paths = ["/", "/ownid", "/ownid/", "/getOwnIDDataByLoginId", "/ownid/getOwnIdDataByLoginId"];
    for (const path of [...paths, "/ownid/getOwnIDDataByLoginId/x", "/ownid/getOwnIDDataByLoginId//"]) {
      for (const method of ["POST", "GET"]) {
        const answer = await send({ ...request, method, url: app.publicUrl + path });
        expect({ path, outcome: outcomeOf(answer) }).toEqual({ path, outcome: problem("ERR_PATH_UNKNOWN") });
        expect(answer.headers.get("cache-control")).toBe("no-store");
      }
    }
  });

  test("meets the endpoints below another base path", async () => {
    await using other = await startApp({ basePath: "/api/v1" });
    expect((await other.client.get(sol)).status).toBe(204);
    const request = other.client.sign("getOwnIDDataByLoginId", { loginId: sol });
    for (const base of ["/ownid", "/api", ""]) {
      const url = `${other.publicUrl}${base}/getOwnIDDataByLoginId`;
      expect(outcomeOf(await other.client.send({ ...request, url }))).toEqual(problem("ERR_PATH_UNKNOWN"));
    }
  });
});

describe("415", () => {
  const accepted = [
    "application/json",
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    "APPLICATION/JSON",
    "application/json ; x=y",
  ];
  const refused = [
    "",
    "text/plain",
    "text/json",
    "application/jsonp",
    "application/json5",
    "application/problem+json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json, application/json",
    "application/json/x",
    "xapplication/json",
    "*/*",
    "application",
  ];

  test("is spared by JSON, however its media type is spelled", async () => {
    for (const type of accepted) {
      const request = app.client.sign("getOwnIDDataByLoginId", { loginId: sol });
      expect({ type, status: (await send(withHeaders(request, { "content-type": type }))).status }).toEqual({
        type,
        status: 204,
      });
    }
  });

  test("meets everything else, on every endpoint", async () => {
    for (const endpoint of endpoints) {
      for (const type of refused) {
        const request = withHeaders(app.client.sign(endpoint, { loginId: sol }), { "content-type": type });
        expect({
          type,
          outcome: outcomeOfRaw(await exchangeRaw(app.publicUrl, rawRequest(request))),
        }).toEqual({
          type,
          outcome: problem("ERR_MEDIA_TYPE_UNSUPPORTED"),
        });
      }
    }
  });

  test("meets a missing media type, and one that was sent twice", async () => {
    const { headers, ...request } = app.client.sign("getOwnIDDataByLoginId", { loginId: sol });
    const { "content-type": type, ...untyped } = headers;
    for (const extra of [
      "",
      `Content-Type: ${type}\r\nContent-Type: ${type}\r\n`,
      `Content-Type: text/plain\r\nContent-Type: ${type}\r\n`,
      `Content-Type: ${type}\r\nContent-Type: text/plain\r\n`,
    ]) {
      const answer = await exchangeRaw(app.publicUrl, rawRequest({ ...request, headers: untyped }, extra));
      expect(outcomeOfRaw(answer)).toEqual(problem("ERR_MEDIA_TYPE_UNSUPPORTED"));
    }
  });

  test("meets an encoded body, which is not unpacked", async () => {
    const content = { loginId: sol, ownIdData: "x".repeat(500) };
    const packed = {
      gzip: Bun.gzipSync(Buffer.from(JSON.stringify(content))),
      deflate: Bun.deflateSync(Buffer.from(JSON.stringify(content))),
      zstd: Bun.zstdCompressSync(JSON.stringify(content)),
      br: new Uint8Array(8),
      "gzip, identity": new Uint8Array(8),
      "": null,
      identity: null,
    };
    for (const [encoding, body] of Object.entries(packed)) {
      const request = app.client.sign("setOwnIDDataByLoginId", body ?? content);
      const { status } = await exchangeRaw(
        app.publicUrl,
        rawRequest(request, `Content-Encoding: ${encoding}\r\n`),
      );
      expect({ encoding, status }).toEqual({ encoding, status: encoding === "identity" ? 204 : 415 });
    }
    const bomb = Bun.gzipSync(Buffer.alloc(1_000_000));
    const request = app.client.sign("setOwnIDDataByLoginId", bomb.subarray(0, 1000));
    const answer = await send(withHeaders(request, { "content-encoding": "gzip" }));
    expect(outcomeOf(answer)).toEqual(problem("ERR_MEDIA_TYPE_UNSUPPORTED"));
  });
});

describe("the order of refusals", () => {
  const wrong = {
    method: (request: SignedRequest) => ({ ...request, method: "PUT" }),
    type: (request: SignedRequest) => withHeaders(request, { "content-type": "text/plain" }),
    size: (request: SignedRequest) => ({ ...request, body: new Uint8Array(1025) }),
    signature: (request: SignedRequest) => withHeaders(request, { "ownid-signature": "" }),
    json: (request: SignedRequest) =>
      app.client.sign("getOwnIDDataByLoginId", `{"loginId":${request.body[0]}}`),
  };

  test("is method, media type, size, signature, content", async () => {
    const expected: readonly (readonly [
      ProblemCode,
      readonly ((request: SignedRequest) => SignedRequest)[],
    ])[] = [
      ["ERR_METHOD_NOT_ALLOWED", [wrong.json, wrong.signature, wrong.size, wrong.type, wrong.method]],
      ["ERR_MEDIA_TYPE_UNSUPPORTED", [wrong.json, wrong.signature, wrong.size, wrong.type]],
      ["ERR_BODY_TOO_LARGE", [wrong.json, wrong.signature, wrong.size]],
      ["ERR_SIGNATURE_INVALID", [wrong.json, wrong.signature]],
      ["ERR_REQUEST_INVALID", [wrong.json]],
      ["ERR_METHOD_NOT_ALLOWED", [wrong.json, wrong.method]],
      ["ERR_MEDIA_TYPE_UNSUPPORTED", [wrong.json, wrong.type]],
      ["ERR_MEDIA_TYPE_UNSUPPORTED", [wrong.size, wrong.type]],
    ];
    for (const [code, changes] of expected) {
      const good = app.client.sign("getOwnIDDataByLoginId", { loginId: sol });
      const request = changes.reduce((changed, change) => change(changed), good);
      const answer = await send(request);
      expect(JSON.parse(answer.body).code).toBe(code);
    }
  });

  test("puts a wrong signature before a body that is no JSON at all", async () => {
    for (const body of ["", "{", "\0", "\ufeff{}"]) {
      const request = wrong.signature(app.client.sign("getOwnIDDataByLoginId", body));
      expect(outcomeOf(await send(request))).toEqual(problem("ERR_SIGNATURE_INVALID"));
    }
  });
});

describe("a problem", () => {
  test("carries the id of its answer, and each answer has its own", async () => {
    const request = app.client.sign("getOwnIDDataByLoginId", { loginId: 1 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(request)));
    const ids = answers.map(({ headers }) => headers.get("x-request-id"));
    expect(new Set(ids).size).toBe(20);
    expect(answers.map(({ body }) => JSON.parse(body).requestId)).toEqual(ids);
    expect(Object.keys(JSON.parse(answers[0]?.body ?? ""))).toEqual([
      "type",
      "title",
      "status",
      "code",
      "detail",
      "requestId",
    ]);
  });

  test("keeps its own id when the request brings one", async () => {
    const request = app.client.sign("getOwnIDDataByLoginId", { loginId: 1 });
    const { body, headers } = await send(withHeaders(request, { "x-request-id": "theirs" }));
    expect(headers.get("x-request-id")).not.toBe("theirs");
    expect(body).not.toContain("theirs");
  });
});
