import { describe, expect, test } from "bun:test";
import { HotCopyUnavailable, SessionLedgerUnavailable } from "../../src/errors.ts";
import { storeWhichFails } from "../support/failing-store.ts";
import {
  adminToken,
  backendToken,
  bearer,
  createOpsClient,
  shareOpsApp,
  sol,
} from "../support/ops-client.ts";
import { empty, json, outcomeOf, problem } from "../support/problems.ts";
import { type RunningApp, startApp } from "../support/running-app.ts";

const { app, ops } = await shareOpsApp();
const mia = "mia@testmail.com";

function userRoutes(to: RunningApp) {
  const { send } = createOpsClient(to);
  const ask = (method: string, path: string, token: string | null = adminToken) =>
    send(`/admin/users/${path}`, { method, headers: token === null ? {} : bearer(token) });
  return {
    ask,
    show: async (loginId: string, more = "") =>
      outcomeOf(await ask("GET", encodeURIComponent(loginId) + more)),
    erase: async (loginId: string) => outcomeOf(await ask("DELETE", encodeURIComponent(loginId))),
  };
}
const { ask, show, erase } = userRoutes(app);

const held = (changes: object = {}) => ({
  loginId: sol,
  enrolled: false,
  blocked: false,
  ownIdDataBytes: 0,
  readAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  redis: { ownIdDataBytes: 0, stale: false, expiresInSeconds: null },
  revocation: null,
  ...changes,
});

describe("GET /admin/users/{loginId}", () => {
  test("tells what is held, and the data themselves only when they are asked for", async () => {
    app.table.write(sol, "dätä");
    const enrolled = held({ enrolled: true, ownIdDataBytes: 6 });
    expect(await show(sol)).toEqual(json(200, enrolled));
    expect(await show(sol, "?include=ownIdData")).toEqual(json(200, { ...enrolled, ownIdData: "dätä" }));
    app.table.write(sol, "");
    expect(await show(sol, "?include=ownIdData")).toEqual(json(200, held({ ownIdData: "" })));
  });

  test("tells of a revocation as long as it is kept", async () => {
    await ops.revoke({ loginId: mia });
    const { body } = await ask("GET", mia);
    const { revocation } = JSON.parse(body);
    expect(revocation).toEqual({ issuedUntil: "2033-05-18T03:33:17.000Z", keptForSeconds: 3660 });
    const { nowMs } = app.clock;
    app.clock.nowMs += 3_661_000;
    expect(await show(mia)).toEqual(json(200, held({ loginId: mia })));
    app.clock.nowMs = nowMs;
  });

  test("takes any login id in the path, and shows it as the table spells it", async () => {
    expect(await show("Zoë %@ex.com")).toEqual(json(200, held({ loginId: "Zoë %@ex.com" })));
    await using site = await startApp({ users: [{ email: "a/b?c#d+e" }], collation: "NOCASE", adminToken });
    expect(await userRoutes(site).show("A/B?c#d+e")).toEqual(json(200, held({ loginId: "a/b?c#d+e" })));
    await using lowered = await startApp({ loginIdCase: "lower", adminToken });
    expect(await userRoutes(lowered).show(sol.toUpperCase())).toEqual(json(200, held()));
  });

  test("is an empty 404 for an unknown user, and 400 for what is no login id", async () => {
    expect(await show("nobody@testmail.com")).toEqual(empty(404));
    const encoded = "The path must end with a login id, percent-encoded as UTF-8.";
    for (const path of ["%E9", "%E0%A4%A", "%"]) {
      for (const method of ["GET", "DELETE"])
        expect(outcomeOf(await ask(method, path))).toEqual(problem("ERR_REQUEST_INVALID", encoded));
    }
    expect((await show("a\0")).status).toBe(400);
    expect(await show(sol, "?include=token")).toEqual(
      problem("ERR_REQUEST_INVALID", "include may only be ownIdData."),
    );
  });

  test("is never cached, needs the administrator's token, and takes no other method", async () => {
    for (const method of ["GET", "DELETE"]) {
      for (const token of [null, backendToken, `${adminToken}x`])
        expect(outcomeOf(await ask(method, mia, token))).toEqual(problem("ERR_TOKEN_INVALID"));
    }
    for (const [method, path] of [
      ["GET", sol],
      ["GET", "nobody"],
      ["HEAD", sol],
      ["DELETE", sol],
    ] as const)
      expect((await ask(method, path)).headers.get("cache-control")).toBe("no-store");
    const posted = await ask("POST", sol);
    expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD, DELETE"]);
    await using closed = await startApp();
    expect(outcomeOf(await userRoutes(closed).ask("GET", sol))).toEqual(problem("ERR_PATH_UNKNOWN"));
  });
});

describe("DELETE /admin/users/{loginId}", () => {
  test("makes the column NULL and ends the user's sessions, and no other user's", async () => {
    app.table.write(sol, "data");
    app.table.write(mia, "hers");
    const [token, hers] = [await ops.newToken(), await ops.newToken(mia)];
    expect(await erase(sol)).toEqual(empty(204));
    expect([app.table.read(sol), app.table.read(mia)]).toEqual([null, "hers"]);
    expect((await ops.verify(bearer(token))).status).toBe(401);
    expect((await ops.verify(bearer(hers))).status).toBe(200);
    expect((await app.client.get(sol)).status).toBe(204);
    expect(await erase(sol)).toEqual(empty(204));
  });

  test("erases a blocked user under another spelling than the table's", async () => {
    await using site = await startApp({
      users: [{ email: sol, ownIdData: "data" }],
      collation: "NOCASE",
      adminToken,
    });
    const { newToken, verify } = createOpsClient(site);
    const token = await newToken();
    site.table.block(sol);
    expect(await userRoutes(site).erase(sol.toUpperCase())).toEqual(empty(204));
    expect(site.table.read(sol)).toBeNull();
    expect((await verify(bearer(token))).status).toBe(401);
  });

  test("of a user whose row is gone ends the sessions all the same, and is 404", async () => {
    await using site = await startApp({ adminToken });
    const { newToken, verify } = createOpsClient(site);
    const token = await newToken();
    site.table.remove(sol);
    expect(await userRoutes(site).erase(sol)).toEqual(empty(404));
    expect((await verify(bearer(token))).status).toBe(401);
  });

  test("is 503 while a part of it cannot be done, and completes when it is repeated", async () => {
    const away = storeWhichFails(() => Promise.reject(new HotCopyUnavailable()));
    await using cutOff = await startApp({ store: away, adminToken });
    for (const answer of [await userRoutes(cutOff).erase(sol), await userRoutes(cutOff).show(sol)])
      expect(answer).toEqual(problem("ERR_REDIS_UNAVAILABLE"));

    await using site = await startApp({ users: [{ email: sol, ownIdData: "data" }], adminToken });
    const { newToken, verify } = createOpsClient(site);
    const token = await newToken();
    const { revokeUser, userRevocation } = site.ledger;
    const fail = () => Promise.reject(new SessionLedgerUnavailable("away"));
    Object.assign(site.ledger, { revokeUser: fail, userRevocation: fail });
    expect(await userRoutes(site).show(sol)).toEqual(problem("ERR_SESSIONS_UNAVAILABLE"));
    expect(await userRoutes(site).erase(sol)).toEqual(problem("ERR_ERASURE_INCOMPLETE"));
    expect(site.logLines.join("")).toContain('"reason":"away"');
    Object.assign(site.ledger, { revokeUser, userRevocation });
    expect(await userRoutes(site).erase(sol)).toEqual(empty(204));
    expect([site.table.read(sol), (await verify(bearer(token))).status]).toEqual([null, 401]);
  });

  test("leaves a line in the log that does not name the user", async () => {
    app.logLines.length = 0;
    await erase(mia);
    await show(mia, "?include=ownIdData");
    const lines = app.logLines.join("");
    expect(lines).toContain("a user's data was erased");
    expect(lines).not.toContain("mia");
  });
});
