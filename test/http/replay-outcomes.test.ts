import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Endpoint } from "../../scripts/client/endpoints.ts";
import type { SignedRequest } from "../../scripts/client/signed-client.ts";
import { startFaultProxy } from "../../scripts/servers/fault-proxy.ts";
import { sharedRedis, startRedis } from "../../scripts/servers/redis-server.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import {
  DatabaseUnavailable,
  HashStale,
  OutcomeUnknown,
  UserBlocked,
  UserUnknown,
  ValueAltered,
  WriteContended,
  WriteSuppressed,
} from "../../src/errors.ts";
import type { ReplayGuard } from "../../src/replay/replay-guard.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { storeWhichFails } from "../support/failing-store.ts";
import { write } from "../support/hot-copy-steps.ts";
import { empty, json, outcomeOf, problem } from "../support/problems.ts";
import {
  commandCounts,
  openStore,
  placeOf,
  resetCommandCounts,
  singlePlace,
  withRedis,
} from "../support/redis-places.ts";
import { type RunningApp, startApp } from "../support/running-app.ts";

setDefaultTimeout(60_000);

const sol = "sol@testmail.com";

/** A store whose next call ends as the test says, and which counts how often it was called. */
function createScriptedStore() {
  const ends: (() => Promise<void>)[] = [];
  const runs = { get: 0, set: 0, session: 0 };
  const run = async (endpoint: keyof typeof runs) => {
    runs[endpoint] += 1;
    await ends.shift()?.();
  };
  const store = storeWhichFails(() => Promise.reject(new Error("not asked for")), {
    get: async () => {
      await run("get");
      return "devices";
    },
    set: () => run("set"),
    async findForSession(loginId) {
      await run("session");
      return { loginId, ownIdData: "devices", blocked: false, databaseTimeMs: 0, columns: new Map() };
    },
  });
  return { store, runs, ends };
}

const failingWith = (error: Error) => () => Promise.reject(error);
const known = [
  ["404", new UserUnknown(), empty(404)],
  ["423", new UserBlocked(), problem("ERR_USER_BLOCKED")],
  [
    "503, the database is away",
    new DatabaseUnavailable("it is away", ""),
    problem("ERR_DATABASE_UNAVAILABLE"),
  ],
] as const;

let app: RunningApp;
let scripted: ReturnType<typeof createScriptedStore>;

beforeEach(async () => {
  scripted = createScriptedStore();
  app = await startApp({ store: scripted.store });
});
afterEach(() => app[Symbol.asyncDispose]());

const toSet = () => app.client.sign("setOwnIDDataByLoginId", { loginId: sol, ownIdData: "new" });
const toSession = () => app.client.sign("getSessionByLoginId", { loginId: sol });
const send = async (request: SignedRequest) => outcomeOf(await app.client.send(request));
const given = json(200, { token: expect.any(String) });
const open = problem("ERR_REQUEST_REPLAYED");
const refused = problem("ERR_SIGNATURE_INVALID");

/** Leaves the next call of the store open until `end`. */
function holdNext() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  scripted.ends.push(() => promise);
  return { end: resolve, fail: reject };
}

describe("a copy of a set", () => {
  test("is told to wait while the first is open, and succeeds without running once it has succeeded", async () => {
    const { end } = holdNext();
    const request = toSet();
    const first = send(request);
    expect(await eventually(async () => scripted.runs.set, 1)).toBe(1);
    const copy = await app.client.send(request);
    expect(outcomeOf(copy)).toEqual(open);
    expect(copy.headers.get("retry-after")).toBe("1");
    end();
    expect(await first).toEqual(empty(204));
    expect([await send(request), await send(request)]).toEqual([empty(204), empty(204)]);
    expect(scripted.runs.set).toBe(1);
  });

  test.each([
    ...known,
    ["503, others wrote", new WriteContended(), problem("ERR_WRITE_CONTENDED")],
    ["503, a trigger dropped the change", new WriteSuppressed(), problem("ERR_WRITE_SUPPRESSED")],
  ] as const)("runs after a known failure: %s", async (_what, error, answer) => {
    scripted.ends.push(failingWith(error));
    const request = toSet();
    expect(await send(request)).toEqual(answer);
    expect(await send(request)).toEqual(empty(204));
    expect(await send(request)).toEqual(empty(204));
    expect(scripted.runs.set).toBe(2);
  });

  test.each([
    ["it is not known whether the first was done", new OutcomeUnknown("the connection was lost")],
    ["the row does not hold what the first wrote", new ValueAltered()],
    ["the first was made from a stale list", new HashStale()],
    ["the sidecar failed", new TypeError("a fault of ours")],
  ])("does not run if %s", async (_what, error) => {
    scripted.ends.push(failingWith(error));
    const request = toSet();
    await send(request);
    expect([await send(request), await send(request)]).toEqual([open, open]);
    expect(scripted.runs.set).toBe(1);
  });
});

describe("a copy of a session request", () => {
  test("is refused while the first is open", async () => {
    const { end } = holdNext();
    const request = toSession();
    const first = send(request);
    expect(await eventually(async () => scripted.runs.session, 1)).toBe(1);
    expect(await send(request)).toEqual(refused);
    end();
    expect(await first).toEqual(given);
    expect(await send(request)).toEqual(refused);
    expect(scripted.runs.session).toBe(1);
  });

  const stale = ["503, the hash was stale", new HashStale(), problem("ERR_HASH_STALE")] as const;
  test.each([...known, stale])("runs if the first gave none: %s", async (_what, error, answer) => {
    scripted.ends.push(failingWith(error));
    const request = toSession();
    expect(await send(request)).toEqual(answer);
    const copies = await Promise.all(Array.from({ length: 20 }, () => send(request)));
    expect(copies.filter(({ status }) => status === 200)).toEqual([given]);
    expect(copies.filter(({ status }) => status === 401).length).toBe(19);
    expect(scripted.runs.session).toBe(2);
  });
});

describe("a captured lookup", () => {
  const respellings = (signature: string) => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const last = alphabet.indexOf(signature.charAt(42));
    return [1, 2, 3].map((spare) => `${signature.slice(0, 42)}${alphabet.charAt(last + spare)}=`);
  };

  test("is refused as a session request however its signature is spelled", async () => {
    const request = app.client.sign("getOwnIDDataByLoginId", { loginId: sol });
    await send(request);
    const signature = request.headers["ownid-signature"] ?? "";
    for (const spelling of [signature, ...respellings(signature)]) {
      expect(Buffer.from(spelling, "base64").equals(Buffer.from(signature, "base64"))).toBe(true);
      const copy = at(request, "getSessionByLoginId", { "ownid-signature": spelling });
      expect(await send(copy)).toEqual(refused);
    }
    expect(scripted.runs.session).toBe(0);
  });

  test("is refused as a session request even while the lookup is still under way", async () => {
    const { end } = holdNext();
    const request = app.client.sign("getOwnIDDataByLoginId", { loginId: sol });
    const lookup = send(request);
    expect(await eventually(async () => scripted.runs.get, 1)).toBe(1);
    expect(await send(at(request, "getSessionByLoginId"))).toEqual(refused);
    end();
    expect(await lookup).toEqual(json(200, { ownIdData: "devices" }));
  });
});

function at(request: SignedRequest, endpoint: Endpoint, headers = {}): SignedRequest {
  return { ...request, url: `${app.baseUrl}/${endpoint}`, headers: { ...request.headers, ...headers } };
}

describeWithPrivate("redis", "with the guard in Redis", () => {
  /** The clock of the app is far ahead, so everything is signed after the guard's memory began. */
  const startWith = (replayGuard: ReplayGuard, store = scripted.store) => startApp({ store, replayGuard });

  /** Two sidecars that share the guard's keys. */
  async function startTwo() {
    await using stack = new AsyncDisposableStack();
    const place = placeOf(await sharedRedis());
    const first = stack.use(openStore(place));
    const second = stack.use(openStore(place, { keyPrefix: first.keyPrefix }));
    await Promise.all([first.filling(), second.filling()]);
    const one = stack.use(await startWith(first.replayGuard));
    const other = stack.use(await startWith(second.replayGuard));
    const all = stack.move();
    return { one, other, [Symbol.asyncDispose]: () => all.disposeAsync() };
  }

  test("1,000 copies of one set through two sidecars run once", async () => {
    await using two = await startTwo();
    const { one, other } = two;
    const request = one.client.sign("setOwnIDDataByLoginId", { loginId: sol, ownIdData: "new" });
    const toOther = { ...request, url: request.url.replace(one.baseUrl, other.baseUrl) };
    const copies = Array.from({ length: 1000 }, (_, number) =>
      one.client.send(number % 2 === 0 ? request : toOther),
    );
    const statuses = (await Promise.all(copies)).map(({ status }) => status);
    expect(statuses.filter((status) => status !== 204 && status !== 503)).toEqual([]);
    expect(scripted.runs.set).toBe(1);
    expect((await one.client.send(toOther)).status).toBe(204);
    const asSession = { ...toOther, url: `${other.baseUrl}/getSessionByLoginId` };
    expect((await one.client.send(asSession)).status).toBe(400);
    expect(scripted.runs.set).toBe(1);
  });

  test("a lookup captured at one sidecar is refused as a session at another", async () => {
    await using two = await startTwo();
    const { one, other } = two;
    const request = one.client.sign("getOwnIDDataByLoginId", { loginId: sol });
    expect((await one.client.send(request)).status).toBe(200);
    const copy = { ...request, url: `${other.baseUrl}/getSessionByLoginId` };
    expect(outcomeOf(await one.client.send(copy))).toEqual(refused);
    expect(scripted.runs.session).toBe(0);
  });

  test("a lookup claims nothing with REQUIRE_SESSION_TYPE, while session and set requests still do", async () => {
    const server = await sharedRedis();
    await using redis = openStore(placeOf(server));
    await redis.filling();
    await using strict = await startApp({
      store: scripted.store,
      replayGuard: redis.replayGuard,
      requireSessionType: true,
    });
    const claims = () => withRedis(server, (client) => client.keys(`${redis.keyPrefix}seen:*`));
    expect(outcomeOf(await strict.client.get(sol))).toEqual(json(200, { ownIdData: "devices" }));
    expect(await claims()).toEqual([]);
    expect((await strict.client.session(sol, "browser")).status).toBe(200);
    expect((await strict.client.set(sol, "new")).status).toBe(204);
    expect((await claims()).length).toBe(2);
  });

  test(
    "a lookup's claim and HMGET are both on their way before either is answered",
    async () => {
      await using server = await startRedis();
      await using proxy = await startFaultProxy({ host: "127.0.0.1", port: server.port });
      await using redis = openStore(singlePlace(proxy, [server]));
      await redis.filling();
      await write(redis.hotCopy, sol, "devices");
      const { store } = scripted;
      const get = async (loginId: string) => redis.hotCopy.peek(loginId);
      await using guarded = await startWith(redis.replayGuard, { ...store, get });
      await resetCommandCounts([server]);
      proxy.holdReplies();
      const lookup = guarded.client.get(sol);
      const arrived = async () => {
        const counts = await commandCounts([server]);
        return `${counts.get("set") ?? 0} set, ${counts.get("hmget") ?? 0} hmget`;
      };
      expect(await eventually(arrived, "1 set, 1 hmget", 400)).toBe("1 set, 1 hmget");
      proxy.releaseReplies();
      expect(outcomeOf(await lookup)).toEqual(json(200, { ownIdData: "devices" }));
      // All of it must fit into the time limit of a command, which a busy machine may need for itself.
    },
    { retry: 3 },
  );
});
