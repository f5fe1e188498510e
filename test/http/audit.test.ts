import { afterAll, beforeEach, expect, test } from "bun:test";
import type { Endpoint } from "../../scripts/client/endpoints.ts";
import type { SignedRequest } from "../../scripts/client/signed-client.ts";
import type { AuditEntry } from "../../src/audit/audit-log.ts";
import { DatabaseUnavailable } from "../../src/errors.ts";
import { adminToken, backendToken, bearer, claimsOf, createOpsClient, sol } from "../support/ops-client.ts";
import { startApp } from "../support/running-app.ts";

const entries: AuditEntry[] = [];
const audit = { write: (entry: AuditEntry) => void entries.push(entry) };
const app = await startApp({ audit, adminToken, backendToken });
const ops = createOpsClient(app);
afterAll(() => app[Symbol.asyncDispose]());
beforeEach(() => {
  entries.length = 0;
});

const requestId = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-z]+$/);
const at = (request: SignedRequest, endpoint: Endpoint): SignedRequest => ({
  ...request,
  url: `${app.baseUrl}/${endpoint}`,
});

test("an enrolment is recorded with its outcome, and a lookup is not", async () => {
  const request = app.client.sign("setOwnIDDataByLoginId", { loginId: sol, ownIdData: "the data" });
  for (const _ of [1, 2]) await app.client.send(request);
  await app.client.set("nobody", "the data");
  await app.client.get(sol);
  const enrolment = { event: "enrolment", actor: "ownid", endpoint: "set", loginId: sol, requestId };
  expect(entries).toEqual([
    { ...enrolment, outcome: "done" },
    { ...enrolment, outcome: "repeated" },
    { ...enrolment, loginId: "nobody", outcome: "ERR_USER_UNKNOWN" },
  ] as AuditEntry[]);
});

test("a session is recorded with its type, also one that is refused", async () => {
  await app.client.session(sol);
  await app.client.session(sol, "mobile");
  await app.client.session("nobody");
  const session = { event: "session", actor: "ownid", endpoint: "session", loginId: sol, requestId };
  const sid = expect.stringMatching(/^[0-9a-f-]{36}$/);
  expect(entries).toEqual([
    { ...session, sid, outcome: "done" },
    { ...session, sid, sessionType: "mobile", outcome: "done" },
    { ...session, loginId: "nobody", outcome: "ERR_USER_UNKNOWN" },
  ] as AuditEntry[]);
});

test("a session that the site has made is recorded without a sid", async () => {
  await using site = await startApp({ audit, startSession: async () => ({ answer: "{}", sid: null }) });
  await site.client.session(sol);
  expect(entries).toEqual([
    { event: "session", actor: "ownid", endpoint: "session", loginId: sol, requestId, outcome: "done" },
  ]);
});

test("a refused replay is recorded on every endpoint, and a wrong signature is not", async () => {
  const session = app.client.sign("getSessionByLoginId", { loginId: sol });
  const set = app.client.sign("setOwnIDDataByLoginId", { loginId: sol, ownIdData: "x" });
  for (const request of [session, set]) await app.client.send(request);
  entries.length = 0;
  for (const copy of [session, at(set, "getOwnIDDataByLoginId")]) await app.client.send(copy);
  await app.client.send({ ...session, headers: { ...session.headers, "ownid-timestamp": "1" } });
  const replay = { event: "replay_refused", actor: "ownid", loginId: sol, requestId };
  expect(entries).toEqual([
    { ...replay, endpoint: "session", outcome: "ERR_SIGNATURE_INVALID" },
    { ...replay, endpoint: "get", outcome: "ERR_SIGNATURE_INVALID" },
  ] as AuditEntry[]);
});

test("every call of the administrator is recorded, and every revocation besides", async () => {
  const { jti = "", sid = "" } = claimsOf(await ops.newToken());
  entries.length = 0;
  await ops.revoke({ jti });
  await ops.revoke({ sid });
  await ops.revoke({ loginId: sol });
  const headers = { ...bearer(adminToken), "content-type": "application/json" };
  for (const body of [{ loginId: sol }, { all: true }])
    await ops.send("/admin/invalidate", { method: "POST", headers, body: JSON.stringify(body) });
  for (const [method, loginId] of [
    ["GET", sol],
    ["HEAD", sol],
    ["DELETE", sol],
    ["DELETE", "nobody"],
  ] as const)
    await ops.send(`/admin/users/${loginId}`, { method, headers: bearer(adminToken) });

  const call = (call: string, more: object, outcome = "done") => ({
    event: "admin_call",
    actor: "admin",
    call,
    ...more,
    outcome,
    requestId,
  });
  const revocation = (of: string, more: object) => ({ ...call(of, more), event: "revocation" });
  const revoke = (more: object) => [revocation("POST /admin/revoke", more), call("POST /admin/revoke", more)];
  expect(entries).toEqual([
    ...revoke({ jti }),
    ...revoke({ sid }),
    ...revoke({ loginId: sol }),
    call("POST /admin/invalidate", { loginId: sol }),
    call("POST /admin/invalidate", {}),
    call("GET /admin/users/{loginId}", { loginId: sol }),
    call("HEAD /admin/users/{loginId}", { loginId: sol }),
    revocation("DELETE /admin/users/{loginId}", { loginId: sol }),
    call("DELETE /admin/users/{loginId}", { loginId: sol }),
    revocation("DELETE /admin/users/{loginId}", { loginId: "nobody" }),
    call("DELETE /admin/users/{loginId}", { loginId: "nobody" }, "ERR_USER_UNKNOWN"),
  ] as AuditEntry[]);
});

test("calls with a wrong administrator's token are recorded, at most 31 of them a minute", async () => {
  const ask = (path: string, init: RequestInit) => ops.send(path, { ...init, headers: bearer("wrong") });
  await ask("/admin/invalidate", { method: "POST" });
  await ask("/admin/users/sol%40testmail.com", { method: "DELETE" });
  expect(entries).toEqual(
    ["POST /admin/invalidate", "DELETE /admin/users/{loginId}"].map((call) => ({
      event: "admin_call",
      actor: "unknown",
      call,
      outcome: "ERR_TOKEN_INVALID",
      requestId,
    })) as AuditEntry[],
  );
  for (let turn = 0; turn < 40; turn += 1) await ask("/admin/revoke", { method: "POST" });
  expect([entries.length, entries.at(-1)?.outcome]).toEqual([31, "ERR_TOO_MANY_FAILURES"]);
});

test("an exchange is recorded, and so is the second one", async () => {
  await using site = await startApp({ audit, handsOff: true, backendToken });
  const { newToken, exchange } = createOpsClient(site);
  const handoff = await newToken();
  entries.length = 0;
  for (const _ of [1, 2]) await exchange(handoff);
  const expected = { event: "exchange", actor: "backend", sid: claimsOf(handoff).sid, requestId };
  expect(entries).toEqual([
    { ...expected, outcome: "done" },
    { ...expected, outcome: "ERR_HANDOFF_EXCHANGED" },
  ] as AuditEntry[]);
});

test("a revocation that is not certain is recorded as such", async () => {
  const findUser = () => Promise.reject(new DatabaseUnavailable("away", "none"));
  await using site = await startApp({ audit, findUser, adminToken });
  await createOpsClient(site).revoke({ loginId: sol });
  expect(entries.map(({ event, outcome }) => [event, outcome])).toEqual([
    ["revocation", "ERR_DATABASE_UNAVAILABLE"],
    ["admin_call", "ERR_DATABASE_UNAVAILABLE"],
  ]);
});
