import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Webhook } from "standardwebhooks";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { createTlsCertificates } from "../../scripts/servers/tls-certificates.ts";
import { adminToken, backendToken, bearer, createOpsClient, inactive, sol } from "../support/ops-client.ts";
import { json, outcomeOf, problem } from "../support/problems.ts";
import { type RunningAppOptions, startApp } from "../support/running-app.ts";
import {
  answering,
  type Behave,
  partsOf,
  sessionsOfSite,
  siteSecret,
  startSite,
} from "../support/site-server.ts";

setDefaultTimeout(20_000);

const session = '{"session":"made by the site"}';

/** The application over a site's endpoint that behaves like this. */
async function startWith(
  behave: Behave,
  options: Parameters<typeof sessionsOfSite>[1] & RunningAppOptions = {},
) {
  const site = await startSite(behave);
  const { timeoutMs = 1000, subjectColumn, claims, secrets, ...appOptions } = options;
  const rules = {
    ...(subjectColumn && { subjectColumn }),
    ...(claims && { claims }),
    ...(secrets && { secrets }),
  };
  const app = await startApp({ ...sessionsOfSite(site.url, { timeoutMs, ...rules }), ...appOptions });
  return {
    app,
    site,
    client: app.client,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await site[Symbol.asyncDispose]();
    },
  };
}

describe("the site's endpoint", () => {
  test("is told who logs in, by a request that another library verifies", async () => {
    const schema = ["ALTER TABLE users ADD COLUMN id INTEGER", "CREATE UNIQUE INDEX by_id ON users (id)"];
    const claims = [{ claim: "uid", column: "id" }];
    await using over = await startWith(answering(session), {
      schema: [...schema, "UPDATE users SET id = 42"],
      session: { subject: "id", claims },
      subjectColumn: "id",
      claims,
      collation: "NOCASE",
    });
    expect(outcomeOf(await over.client.session("SOL@testmail.com", "mobile"))).toEqual(
      json(200, JSON.parse(session)),
    );
    const { line, headers, body } = partsOf(over.site.requests[0] ?? "");
    expect(line).toBe("POST /session HTTP/1.1");
    expect(headers["content-type"]).toBe("application/json");
    expect(headers["webhook-id"]).toMatch(/^msg_[0-9a-f-]{36}$/);
    const webhook = new Webhook(Buffer.from(siteSecret).toString("base64"));
    expect(webhook.verify(body, headers)).toEqual({
      loginId: sol,
      sessionType: "mobile",
      subject: "42",
      claims: { uid: 42 },
    });
    expect(() => webhook.verify(body.replace("42", "43"), headers)).toThrow();
  });

  test("is told that OwnID named no type, and no other subject than the login id", async () => {
    await using over = await startWith(answering(session));
    await over.client.session("sol@testmail.com", "tablet");
    expect(JSON.parse(partsOf(over.site.requests[0] ?? "").body)).toEqual({
      loginId: sol,
      sessionType: null,
      subject: sol,
      claims: {},
    });
  });

  test("can replace its secret, since both sign during a rotation", async () => {
    const next = new Uint8Array(32).fill(7);
    await using over = await startWith(answering(session), { secrets: () => [next, siteSecret] });
    await over.client.session(sol);
    const { headers, body } = partsOf(over.site.requests[0] ?? "");
    for (const secret of [siteSecret, next])
      expect(new Webhook(Buffer.from(secret).toString("base64")).verify(body, headers)).toMatchObject({
        loginId: sol,
      });
  });

  test("is asked over connections that stay open, under another id each time", async () => {
    await using over = await startWith(answering(session));
    for (let turn = 0; turn < 5; turn += 1) expect((await over.client.session(sol)).status).toBe(200);
    expect(over.site.connections()).toBe(1);
    expect(new Set(over.site.requests.map((request) => partsOf(request).headers["webhook-id"])).size).toBe(5);
  });

  test("is not asked unless signature, replay guard and user hold", async () => {
    await using over = await startWith(answering(session));
    const { app, client, site } = over;
    app.table.insert({ email: "eve@testmail.com", blocked: true });
    const request = client.sign("getSessionByLoginId", { loginId: sol });
    const forged = { ...request, headers: { ...request.headers, "ownid-signature": `${"A".repeat(43)}=` } };
    expect((await client.send(forged)).status).toBe(401);
    expect((await client.session("nobody@testmail.com")).status).toBe(404);
    expect((await client.session("eve@testmail.com")).status).toBe(423);
    expect(site.requests.length).toBe(0);
    expect((await client.send(request)).status).toBe(200);
    expect(outcomeOf(await client.send(request))).toEqual(problem("ERR_SIGNATURE_INVALID"));
    expect(site.requests.length).toBe(1);
  });

  test("refuses a user itself by 423, after which a copy of the request may ask again", async () => {
    await using over = await startWith((socket, nth) =>
      answering(session, { status: nth === 1 ? 423 : 200 })(socket, nth),
    );
    const request = over.client.sign("getSessionByLoginId", { loginId: sol });
    expect(outcomeOf(await over.client.send(request))).toEqual(problem("ERR_USER_BLOCKED"));
    expect((await over.client.send(request)).status).toBe(200);
  });
});

describe("the site's answer reaches OwnID to the byte", () => {
  test.each([
    ["an empty object", "{}"],
    ["blanks and numbers in their own spelling", ' \r\n{ "a" : 1.0 , "b":1E2, "c": 12345678901234567890 }\n'],
    ["a member that comes twice", '{"a":1,"a":2,"2":0,"1":0}'],
    ["escapes and letters beyond ASCII", '{"\\u0061":"\\/ é \u2028 😀 \\ud83d"}'],
    ["16,384 bytes", `{"a":"${"x".repeat(16_384 - 8)}"}`],
  ])("with %s", async (_what, text) => {
    await using over = await startWith(answering(text));
    const response = await over.client.session(sol);
    expect(response.status).toBe(200);
    expect(response.body).toBe(text);
    expect(response.headers.get("content-type")).toBe("application/json;charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-store");
  });

  test("also with 201, in chunks", async () => {
    const head = "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n";
    await using over = await startWith(
      (socket) => void socket.write(`${head}3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n`),
    );
    expect(outcomeOf(await over.client.session(sol))).toEqual(json(200, { a: 1 }));
  });
});

const unusable: Readonly<Record<string, readonly [Behave, metric: string, logged: string]>> = {
  "hangs before it answers": [() => {}, "no_answer_in_time", "the site did not answer within 300 ms"],
  "hangs within its answer": [
    (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"a"'),
    "no_answer_in_time",
    "the site did not answer within 300 ms",
  ],
  "cuts the connection": [
    (socket) => void socket.destroy(),
    "answer_lost",
    "the answer of the site was lost or malformed (ECONNRESET)",
  ],
  "cuts the connection within its answer": [
    (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"a"'),
    "answer_lost",
    "the answer of the site was lost or malformed (ECONNRESET)",
  ],
  "speaks no HTTP": [
    (socket) => void socket.end("220 mail.example.com ESMTP\r\n"),
    "answer_lost",
    "the answer of the site was lost or malformed (Malformed_HTTP_Response)",
  ],
  redirects: [
    answering("{}", { status: 307, head: "Location: /elsewhere\r\n" }),
    "redirect",
    "the site answers 307, and redirects are not followed",
  ],
  "does not find the path": [answering("{}", { status: 404 }), "other_status", "the site answers 404"],
  fails: [answering(session, { status: 500 }), "other_status", "the site answers 500"],
  "answers nothing": [
    answering("", { status: 204 }),
    "not_a_JSON_object",
    "the site answers something other than a JSON object",
  ],
  "answers a page": [
    answering("<p>hello"),
    "not_a_JSON_object",
    "the site answers something other than a JSON object",
  ],
  "answers an array": [
    answering("[{}]"),
    "not_a_JSON_object",
    "the site answers something other than a JSON object",
  ],
  "answers null": [
    answering("null"),
    "not_a_JSON_object",
    "the site answers something other than a JSON object",
  ],
  "answers two objects": [
    answering("{}{}"),
    "not_a_JSON_object",
    "the site answers something other than a JSON object",
  ],
  "answers with a byte order mark": [
    answering("\ufeff{}"),
    "not_a_JSON_object",
    "the site answers something other than a JSON object",
  ],
  "answers what is no UTF-8": [
    (socket) =>
      void socket.write(
        Buffer.concat([
          Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
          Buffer.from('{"a":"\xe9"}', "latin1"),
        ]),
      ),
    "not_a_JSON_object",
    "the site answers something other than a JSON object",
  ],
  "answers one byte too much": [
    answering(`{"a":"${"x".repeat(16_384 - 7)}"}`),
    "too_large",
    "the site answers more than 16384 bytes",
  ],
  "does not come to an end": [
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      const more = setInterval(() => socket.write(`400\r\n${" ".repeat(1024)}\r\n`), 1);
      socket.on("close", () => clearInterval(more));
    },
    "too_large",
    "the site answers more than 16384 bytes",
  ],
};

describe("a session is 503, and its request does not run again, if the site", () => {
  test.each(Object.entries(unusable))("%s", async (_what, [behave, metric, logged]) => {
    await using over = await startWith(behave, { timeoutMs: 300 });
    const { app, client, site } = over;
    const request = client.sign("getSessionByLoginId", { loginId: sol });
    const response = await client.send(request);
    expect(outcomeOf(response)).toEqual(problem("ERR_SESSION_PROVIDER_UNAVAILABLE"));
    expect(response.headers.get("retry-after")).toBe("1");
    const line = app.logLines.find((text) => text.includes("ERR_SESSION_PROVIDER_UNAVAILABLE"));
    expect(JSON.parse(line ?? "{}")).toMatchObject({ level: 50, reason: logged });
    const metrics = await (await fetch(`${app.opsUrl}/metrics`)).text();
    expect(metrics).toContain(
      `ownid_failures_total{code="ERR_SESSION_PROVIDER_UNAVAILABLE",reason="${metric}"} 1`,
    );
    expect(metrics).toContain('ownid_requests_total{endpoint="session",outcome="failed"} 1');
    expect(outcomeOf(await client.send(request))).toEqual(problem("ERR_SIGNATURE_INVALID"));
    expect(site.requests.length).toBe(1);
  });

  test("closes a kept connection after it has read the request, and is gone then", async () => {
    await using over = await startWith((socket, nth) => {
      if (nth === 1) return answering(session)(socket, nth);
      over.site.stopListening();
      socket.destroy();
    });
    expect((await over.client.session(sol)).status).toBe(200);
    const request = over.client.sign("getSessionByLoginId", { loginId: sol });
    expect(outcomeOf(await over.client.send(request))).toEqual(problem("ERR_SESSION_PROVIDER_UNAVAILABLE"));
    expect(outcomeOf(await over.client.send(request))).toEqual(problem("ERR_SIGNATURE_INVALID"));
  });
});

test("says that the site does not speak TLS", async () => {
  await using plain = await startPlainServer();
  await using app = await startApp(sessionsOfSite(`https://127.0.0.1:${plain.port}/`));
  expect((await app.client.session(sol)).status).toBe(503);
  expect(app.logLines.join("")).toContain("the site does not speak TLS there (EPROTO)");
});

describe("a copy of the request runs if nothing was sent, because the site", () => {
  test("refuses the connection", async () => {
    await using over = await startWith(answering(session));
    over.site.stopListening();
    const request = over.client.sign("getSessionByLoginId", { loginId: sol });
    for (let turn = 0; turn < 3; turn += 1)
      expect(outcomeOf(await over.client.send(request))).toEqual(problem("ERR_SESSION_PROVIDER_UNAVAILABLE"));
    const reasons = over.app.logLines.filter((line) =>
      line.includes("the site cannot be reached (ECONNREFUSED)"),
    );
    expect(reasons.length).toBe(3);
    expect(over.site.requests.length).toBe(0);
  });

  test("does not prove to be the site", async () => {
    using folder = temporaryFolder();
    const { certificateFile, keyFile } = await createTlsCertificates(folder.path);
    let asked = 0;
    await using site = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: { cert: Bun.file(certificateFile), key: Bun.file(keyFile) },
      fetch: () => {
        asked += 1;
        return Response.json({});
      },
    });
    await using app = await startApp(sessionsOfSite(`https://127.0.0.1:${site.port}/`));
    const request = app.client.sign("getSessionByLoginId", { loginId: sol });
    for (let turn = 0; turn < 2; turn += 1)
      expect(outcomeOf(await app.client.send(request))).toEqual(problem("ERR_SESSION_PROVIDER_UNAVAILABLE"));
    expect(app.logLines.join("")).toContain("the site's certificate is not valid (UNABLE_TO_VERIFY");
    expect(asked).toBe(0);
  });
});

test("the ops listener knows no tokens, and does not claim to have ended a session", async () => {
  await using over = await startWith(answering(session), { adminToken, backendToken });
  const ops = createOpsClient(over.app);
  const token = await ops.forger.sign("session");
  expect(await ops.introspect(token)).toEqual(inactive);
  expect((await ops.verify(bearer(token))).status).toBe(401);
  expect((await ops.exchange(token)).status).toBe(401);
  expect(await ops.revoke({ loginId: sol })).toEqual(problem("ERR_PATH_UNKNOWN"));
  expect(over.app.logLines.join("")).toContain("no session tokens");
  const keys = await fetch(`${over.app.publicUrl}/.well-known/jwks.json`);
  expect(await keys.json()).toEqual({ keys: [] });
  expect(await ops.revoke({ loginId: sol }, "x".repeat(32))).toEqual(problem("ERR_TOKEN_INVALID"));
});

/** Answers whatever comes first as an HTTP server answers a TLS handshake. */
async function startPlainServer() {
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n") },
  });
  return { port: server.port, [Symbol.asyncDispose]: async () => server.stop(true) };
}
