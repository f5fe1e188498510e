import { expect, test } from "bun:test";
import pino from "pino";
import { exchangeRaw, rawRequest } from "../../scripts/client/raw-http.ts";
import { macOf, type SignedRequest } from "../../scripts/client/signed-client.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { Overloaded } from "../../src/errors.ts";
import { storeWhichFails } from "../support/failing-store.ts";
import { adminToken } from "../support/ops-client.ts";
import { outcomeOf, outcomeOfRaw, problem } from "../support/problems.ts";
import { type RunningApp, sharedSecret, startApp } from "../support/running-app.ts";

const sol = "sol@testmail.com";
const refusal = problem("ERR_SIGNATURE_INVALID");

const lookup = ({ client }: RunningApp) => client.sign("getOwnIDDataByLoginId", { loginId: sol });
const at = (request: SignedRequest, endpoint: string): SignedRequest => ({
  ...request,
  url: request.url.replace(/[^/]+$/, endpoint),
});

function withHeaders(request: SignedRequest, headers: Record<string, string | undefined>): SignedRequest {
  const all = Object.entries({ ...request.headers, ...headers });
  return {
    ...request,
    headers: Object.fromEntries(all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
  };
}

function signedAt(request: SignedRequest, timestamp: string): SignedRequest {
  const signature = macOf(request.body, timestamp, sharedSecret);
  return withHeaders(request, { "ownid-timestamp": timestamp, "ownid-signature": signature });
}

/** The lines of the log about requests, without what differs from one to the next. */
function linesOf(app: RunningApp) {
  const lines = app.logLines.map((line) => JSON.parse(line)).filter(({ code }) => code !== undefined);
  return lines.map(({ level, code, reason, leftOut }) => ({ level, code, reason, leftOut }));
}

async function countsOf(app: RunningApp): Promise<string[]> {
  const text = await (await fetch(`${app.opsUrl}/metrics`)).text();
  return text
    .split("\n")
    .filter((line) => /^ownid_(?:requests|failures|log)/.test(line) && !line.endsWith(" 0"));
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** The same bytes with one of the two spare bits set. */
const respelled = (signature = "") =>
  `${signature.slice(0, 42)}${alphabet.charAt(alphabet.indexOf(signature.charAt(42)) | 1)}=`;

/** What was done to a rightly signed lookup, by the reason that the operator must find. */
const tamperings: Readonly<Record<string, (request: SignedRequest, nowMs: number) => SignedRequest>> = {
  "signature header missing": (request) => withHeaders(request, { "ownid-signature": undefined }),
  "signature malformed": (request) => withHeaders(request, { "ownid-signature": "m4rk3r" }),
  "signature not canonical": (request) =>
    withHeaders(request, { "ownid-signature": respelled(request.headers["ownid-signature"]) }),
  "timestamp header missing": (request) => withHeaders(request, { "ownid-timestamp": undefined }),
  "timestamp malformed": (request) => signedAt(request, "m4rk3r"),
  "timestamp in seconds": (request, nowMs) => signedAt(request, String(Math.floor(nowMs / 1000) - 61)),
  "timestamp in microseconds": (request, nowMs) => signedAt(request, String((nowMs - 61_000) * 1000)),
  "timestamp too old": (request, nowMs) => signedAt(request, String(nowMs - 61_000)),
  "timestamp in the future": (request, nowMs) => signedAt(request, String(nowMs + 61_000)),
  "body reserialized after signing": (request) => ({
    ...request,
    body: new TextEncoder().encode(
      JSON.stringify(JSON.parse(new TextDecoder().decode(request.body)), null, 2),
    ),
  }),
  "other secret or altered body": (request) =>
    withHeaders(request, {
      "ownid-signature": macOf(request.body, request.headers["ownid-timestamp"] ?? "", new Uint8Array(32)),
    }),
};

test("the log and the metrics say why a signature was refused, and the answer does not", async () => {
  for (const [reason, tamper] of Object.entries(tamperings)) {
    await using app = await startApp();
    const answer = await app.client.send(tamper(lookup(app), app.clock.nowMs));
    expect({ reason, outcome: outcomeOf(answer) }).toEqual({ reason, outcome: refusal });
    expect(linesOf(app)).toEqual([{ level: 40, code: "ERR_SIGNATURE_INVALID", reason, leftOut: undefined }]);
    expect(app.logLines.join("")).not.toContain("m4rk3r");
    expect(await countsOf(app)).toEqual([
      'ownid_requests_total{endpoint="get",outcome="refused"} 1',
      `ownid_failures_total{code="ERR_SIGNATURE_INVALID",reason="${reason.replaceAll(" ", "_")}"} 1`,
    ]);
  }
});

test("a header that was sent twice is told from one that is malformed", async () => {
  await using app = await startApp();
  for (const header of ["signature", "timestamp"]) {
    const raw = rawRequest(lookup(app), `Ownid-${header}: 0\r\n`);
    expect(outcomeOfRaw(await exchangeRaw(app.publicUrl, raw))).toEqual(refusal);
  }
  expect(linesOf(app).map(({ reason }) => reason)).toEqual([
    "signature header repeated",
    "timestamp header repeated",
  ]);
  expect(await countsOf(app)).toEqual([
    'ownid_requests_total{endpoint="get",outcome="refused"} 2',
    'ownid_failures_total{code="ERR_SIGNATURE_INVALID",reason="signature_header_repeated"} 1',
    'ownid_failures_total{code="ERR_SIGNATURE_INVALID",reason="timestamp_header_repeated"} 1',
  ]);
});

test("a copy of a signed request is told from a wrong signature", async () => {
  await using app = await startApp();
  const session = app.client.sign("getSessionByLoginId", { loginId: sol });
  const read = lookup(app);
  for (const request of [
    session,
    session,
    read,
    at(read, "getSessionByLoginId"),
    at(session, "getOwnIDDataByLoginId"),
  ]) {
    await app.client.send(request);
  }
  expect(linesOf(app).map(({ reason }) => reason)).toEqual([
    "used before",
    "used before",
    "used on another endpoint",
  ]);
  expect(await countsOf(app)).toEqual([
    'ownid_requests_total{endpoint="get",outcome="answered"} 1',
    'ownid_requests_total{endpoint="get",outcome="refused"} 1',
    'ownid_requests_total{endpoint="session",outcome="answered"} 1',
    'ownid_requests_total{endpoint="session",outcome="refused"} 2',
    'ownid_failures_total{code="ERR_SIGNATURE_INVALID",reason="used_on_another_endpoint"} 1',
    'ownid_failures_total{code="ERR_SIGNATURE_INVALID",reason="used_before"} 2',
  ]);
});

test("a path that nothing is routed to leaves a line that says what may be wrong with it, and a count", async () => {
  await using app = await startApp();
  const paths = {
    "/getOwnIDDataByLoginId": "other base path",
    "/m4rk3r/getSessionByLoginId/": "other base path",
    "/ownid/verifyIdDoc": "endpoint not supported",
    "/m4rk3r": "no such path",
  };
  for (const path of Object.keys(paths)) {
    const response = await fetch(app.publicUrl + path, { method: "POST" });
    expect(response.status).toBe(404);
    expect(await response.text()).not.toContain("base path");
  }
  expect(linesOf(app).map(({ level, reason }) => [level, reason])).toEqual(
    Object.values(paths).map((reason) => [30, reason]),
  );
  expect(app.logLines.join("")).not.toContain("m4rk3r");
  expect(await countsOf(app)).toEqual([
    'ownid_failures_total{code="ERR_PATH_UNKNOWN",reason="no_such_path"} 1',
    'ownid_failures_total{code="ERR_PATH_UNKNOWN",reason="other_base_path"} 2',
    'ownid_failures_total{code="ERR_PATH_UNKNOWN",reason="endpoint_not_supported"} 1',
  ]);
});

test("every request to an endpoint is counted once, by how it ended", async () => {
  const store = storeWhichFails(() => Promise.reject(new Overloaded()));
  await using app = await startApp({ users: [{ email: sol, ownIdData: "data" }] });
  await using busy = await startApp({ store });
  await app.client.get(sol);
  await app.client.get("nobody@testmail.com");
  await app.client.set(sol, "");
  await app.client.get(sol);
  await app.client.session(sol);
  await app.client.send({ ...lookup(app), method: "PUT" });
  await app.client.send(withHeaders(lookup(app), { "content-type": "text/plain" }));
  await fetch(`${app.publicUrl}/.well-known/jwks.json`);
  await fetch(`${app.baseUrl}/.well-known/jwks.json`);
  await busy.client.set(sol, "");
  expect(await countsOf(app)).toEqual([
    'ownid_requests_total{endpoint="get",outcome="answered"} 2',
    'ownid_requests_total{endpoint="get",outcome="user_unknown"} 1',
    'ownid_requests_total{endpoint="get",outcome="refused"} 2',
    'ownid_requests_total{endpoint="set",outcome="answered"} 1',
    'ownid_requests_total{endpoint="session",outcome="answered"} 1',
    'ownid_requests_total{endpoint="keys",outcome="answered"} 2',
    'ownid_failures_total{code="ERR_USER_UNKNOWN",reason=""} 1',
    'ownid_failures_total{code="ERR_METHOD_NOT_ALLOWED",reason=""} 1',
    'ownid_failures_total{code="ERR_MEDIA_TYPE_UNSUPPORTED",reason=""} 1',
  ]);
  expect(await countsOf(busy)).toEqual([
    'ownid_requests_total{endpoint="set",outcome="failed"} 1',
    'ownid_failures_total{code="ERR_OVERLOADED",reason=""} 1',
  ]);
});

test("so is every request of the site to the ops listener, probes aside", async () => {
  await using app = await startApp({ adminToken });
  const invalidate = (token: string) =>
    fetch(`${app.opsUrl}/admin/invalidate`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ loginId: sol }),
    });
  expect((await invalidate(adminToken)).status).toBe(204);
  expect((await invalidate("wrong")).status).toBe(401);
  expect((await fetch(`${app.opsUrl}/verify`)).status).toBe(401);
  expect((await fetch(`${app.opsUrl}/verify/shop`)).status).toBe(401);
  await fetch(`${app.opsUrl}/livez`);
  expect(await countsOf(app)).toEqual([
    'ownid_requests_total{endpoint="verify",outcome="refused"} 2',
    'ownid_requests_total{endpoint="invalidate",outcome="answered"} 1',
    'ownid_requests_total{endpoint="invalidate",outcome="refused"} 1',
    'ownid_failures_total{code="ERR_TOKEN_INVALID",reason=""} 1',
    'ownid_failures_total{code="ERR_SESSION_INVALID",reason=""} 2',
  ]);
});

test("a log whose level leaves the lines out anyway tells of none that were left out", async () => {
  const logLines: string[] = [];
  const logger = pino({ level: "warn" }, { write: (line: string) => logLines.push(line) });
  await using app = await startApp({ logger });
  for (let sent = 0; sent < 20; sent += 1) await fetch(`${app.publicUrl}/nothing`);
  expect((await countsOf(app)).filter((count) => count.startsWith("ownid_log_events_total"))).toEqual([]);
  expect(logLines).toEqual([]);
});

test("a flood of requests that are refused for one reason leaves ten lines a second, and one with the rest", async () => {
  await using app = await startApp();
  const flood = Array.from({ length: 300 }, () =>
    app.client.send(withHeaders(lookup(app), { "ownid-signature": "wrong" })),
  );
  await Promise.all(flood);
  const told = () => linesOf(app).filter(({ leftOut }) => leftOut !== undefined);
  expect(await eventually(async () => told().length > 0, true)).toBe(true);
  const written = linesOf(app).filter(({ leftOut }) => leftOut === undefined).length;
  const leftOut = told().reduce((sum, line) => sum + line.leftOut, 0);
  expect(written).toBeLessThanOrEqual(20);
  expect(written + leftOut).toBe(300);
  expect(await countsOf(app)).toContain(`ownid_log_events_total{event="left_out"} ${leftOut}`);
});
