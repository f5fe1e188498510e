import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { Redis } from "ioredis";
import { type RedisServer, sharedRedis, startRedis } from "../../scripts/servers/redis-server.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { adminToken } from "../support/ops-client.ts";
import { empty, json, outcomeOf, problem } from "../support/problems.ts";
import { readinessOf } from "../support/readiness.ts";
import { commandCounts, resetCommandCounts } from "../support/redis-places.ts";
import { spawnSidecar } from "../support/sidecar-process.ts";
import { createUsers } from "../support/user-table.ts";

setDefaultTimeout(30_000);

const [sol, mia] = ["sol@testmail.com", "mia@testmail.com"];

type RunningSidecar = Awaited<ReturnType<typeof startSidecar>>;

/** The whole process over a Redis and an SQLite file, with the smallest times that suit a busy machine. */
async function startSidecar(redis: { url(): string }, changes: Readonly<Record<string, string>> = {}) {
  const folder = temporaryFolder();
  const path = folder.at("users.db");
  const table = createUsers(path, [{ email: sol, ownIdData: "devices" }, { email: mia }]);
  const keyPrefix = `test:${crypto.randomUUID()}:`;
  const child = spawnSidecar({
    REDIS_URL: redis.url(),
    REDIS_KEY_PREFIX: keyPrefix,
    DATABASE_URL: `sqlite:${path}`,
    ADMIN_TOKEN: adminToken,
    COHERENCE_STATEMENT_MS: "150",
    COHERENCE_GRACE_MS: "1400",
    LOG_FORMAT: "json",
    ...changes,
  });
  const { baseUrl, opsUrl } = await child.ready();

  async function report(): Promise<{ status: number; state: string; redis: string; filling: boolean }> {
    const { httpStatus, status, dependencies, filling } = await readinessOf(opsUrl);
    return { status: httpStatus, state: status, redis: dependencies.redis.status, filling };
  }

  return {
    table,
    child,
    client: child.clientAt(baseUrl),
    report,
    userKey: (loginId: string) => `${keyPrefix}user:${loginId}`,
    isFilling: async () => (await report()).filling,

    /** One sample of `/metrics`. */
    async metric(name: string, event: string): Promise<number> {
      const text = await (await fetch(`${opsUrl}/metrics`)).text();
      return Number(new RegExp(`^${name}\\{event="${event}"\\} (\\d+)$`, "m").exec(text)?.[1]);
    },

    metrics: async () => fetch(`${opsUrl}/metrics`),

    async invalidate(content: unknown, token = adminToken) {
      const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
      const body = JSON.stringify(content);
      const response = await fetch(`${opsUrl}/admin/invalidate`, { method: "POST", headers, body });
      return outcomeOf({ status: response.status, headers: response.headers, body: await response.text() });
    },

    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      table.close();
      folder[Symbol.dispose]();
    },
  };
}

const devices = (ownIdData: string) => json(200, { ownIdData });
const token = json(200, { token: expect.any(String) });

describeWithPrivate("redis", "a sidecar over Redis", () => {
  let server: RedisServer;
  let redis: Redis;
  let sidecar: RunningSidecar;

  beforeAll(async () => {
    server = await sharedRedis();
    redis = new Redis(server.url());
    sidecar = await startSidecar(server, { REPLAY_PROTECTION: "off" });
    expect(await eventually(sidecar.isFilling, true)).toBe(true);
  });
  afterAll(async () => {
    redis.disconnect();
    await sidecar[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    sidecar.table.write(sol, "devices");
    expect(await sidecar.invalidate({ all: true })).toEqual(empty(204));
  });

  const get = async (loginId = sol) => outcomeOf(await sidecar.client.get(loginId));
  const key = () => sidecar.userKey(sol);
  /** A value that the database does not hold, as from an outside writer, or forged. */
  async function plant(value: string): Promise<void> {
    expect(await get()).toEqual(devices("devices"));
    expect(await eventually(() => redis.hset(key(), "v", value), 0)).toBe(0);
  }

  test("answers 1,000 warm lookups with 1,000 HMGET, no script and no database", async () => {
    expect(await get()).toEqual(devices("devices"));
    expect(await eventually(() => redis.hexists(key(), "v"), 1)).toBe(1);
    sidecar.table.write(sol, "seen by whoever asks the database");
    await resetCommandCounts([server]);
    for (let batch = 0; batch < 20; batch += 1) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => get()));
      expect(answers).toEqual(answers.map(() => devices("devices")));
    }
    const counts = await commandCounts([server]);
    expect(counts.get("hmget")).toBe(1000);
    const others = [...counts.keys()].filter((command) => !["hmget", "info", "get"].includes(command));
    expect(others.filter((command) => !/^(config|hello|client|select)/.test(command))).toEqual([]);
    // Once a second, the mark of the installation is read with GET.
    expect(counts.get("get") ?? 0).toBeLessThan(100);
  });

  test("shows the data in the hash after a set", async () => {
    expect(outcomeOf(await sidecar.client.set(sol, '{"a":"\u2028é"}'))).toEqual(empty(204));
    const hash = await redis.hgetall(key());
    expect(hash.v).toBe('{"a":"\u2028é"}');
    expect(Object.keys(hash).sort()).toEqual(["e", "t", "v"]);
    expect((await redis.hgetBuffer(key(), "e"))?.length).toBe(8);
    expect(await get()).toEqual(devices('{"a":"\u2028é"}'));
  });

  test("never keeps that a user has no data, or is unknown", async () => {
    expect(await get(mia)).toEqual(empty(204));
    expect(await get("nobody@testmail.com")).toEqual(empty(404));
    sidecar.table.write(mia, "enrolled by the site");
    sidecar.table.insert({ email: "nobody@testmail.com", ownIdData: "registered" });
    expect(await get(mia)).toEqual(devices("enrolled by the site"));
    expect(await get("nobody@testmail.com")).toEqual(devices("registered"));
    sidecar.table.write(mia, null);
    sidecar.table.remove("nobody@testmail.com");
  });

  test("forgets one user or all when the site says so", async () => {
    expect(await eventually(async () => (await get()) && redis.hexists(key(), "v"), 1)).toBe(1);
    sidecar.table.write(sol, "written by the site");
    expect(await get()).toEqual(devices("devices"));
    expect(await sidecar.invalidate({ loginId: sol })).toEqual(empty(204));
    expect(await get()).toEqual(devices("written by the site"));
    expect(await eventually(() => redis.hexists(key(), "v"), 1)).toBe(1);
    sidecar.table.write(sol, "restored");
    expect(await sidecar.invalidate({ all: true })).toEqual(empty(204));
    expect(await get()).toEqual(devices("restored"));
    expect(await sidecar.invalidate({ all: true }, "wrong")).toEqual(problem("ERR_TOKEN_INVALID"));
    expect((await sidecar.invalidate({})).status).toBe(400);
  });

  test("gives no session to a user whose hash contradicts the database, until a lookup has read the row", async () => {
    await plant("forged");
    expect(await get()).toEqual(devices("forged"));
    const cries = await sidecar.metric("ownid_store_events_total", "stale_hit");
    expect(outcomeOf(await sidecar.client.session(sol))).toEqual(problem("ERR_HASH_STALE"));
    expect(await redis.hexists(key(), "v")).toBe(0);
    expect(await sidecar.metric("ownid_store_events_total", "stale_hit")).toBe(cries + 1);
    expect(sidecar.child.logLines().some(({ event }) => event === "stale_hit")).toBe(true);
    expect(outcomeOf(await sidecar.client.session(sol))).toEqual(problem("ERR_HASH_STALE"));
    expect(outcomeOf(await sidecar.client.set(sol, "from the forged list"))).toEqual(
      problem("ERR_HASH_STALE"),
    );
    expect(await get()).toEqual(devices("devices"));
    expect(outcomeOf(await sidecar.client.session(sol))).toEqual(token);
  });

  test("drops a wrong hash when the database's own value is set", async () => {
    await plant("forged");
    expect(outcomeOf(await sidecar.client.set(sol, "devices"))).toEqual(empty(204));
    expect(await get()).toEqual(devices("devices"));
  });

  test("keeps a right hash when its value is set again", async () => {
    await plant("devices");
    const before = await redis.hget(key(), "t");
    expect(outcomeOf(await sidecar.client.set(sol, "devices"))).toEqual(empty(204));
    expect(await redis.hget(key(), "t")).toBe(before);
  });

  test("counts what it does at /metrics", async () => {
    const hits = await sidecar.metric("ownid_hash_events_total", "hit");
    await plant("devices");
    for (let turn = 0; turn < 5; turn += 1) await get();
    expect(await sidecar.metric("ownid_hash_events_total", "hit")).toBe(hits + 5);
    const response = await sidecar.metrics();
    expect(response.headers.get("content-type")).toStartWith("text/plain");
    const text = await response.text();
    expect(text).toContain("ownid_redis_live_masters 1\n");
    expect(text).toContain("ownid_redis_filling 1\n");
    expect(text).not.toContain(sol);
  });
});

describeWithPrivate("redis", "a sidecar over Redis with every option on", () => {
  test("spends one SET more on each lookup for the replay guard", async () => {
    const server = await sharedRedis();
    await using sidecar = await startSidecar(server);
    expect(await eventually(sidecar.isFilling, true)).toBe(true);
    expect(outcomeOf(await sidecar.client.set(sol, "newer"))).toEqual(empty(204));
    // Behind what the set left under way on the same connection.
    await sidecar.client.get(sol);
    await resetCommandCounts([server]);
    for (let batch = 0; batch < 20; batch += 1)
      await Promise.all(Array.from({ length: 50 }, () => sidecar.client.get(sol)));
    const counts = await commandCounts([server]);
    expect([counts.get("hmget"), counts.get("set")]).toEqual([1000, 1000]);
    expect(["eval", "evalsha", "fcall", "hget"].filter((command) => counts.has(command))).toEqual([]);
    // The mark of the installation is read once a second.
    expect(counts.get("get") ?? 0).toBeLessThan(50);
  });

  test("with AUDIT_SHARE=1 notes a stale hit in the background, and drops it", async () => {
    const server = await sharedRedis();
    await using sidecar = await startSidecar(server, { AUDIT_SHARE: "1" });
    const redis = new Redis(server.url());
    expect(await eventually(sidecar.isFilling, true)).toBe(true);
    expect(outcomeOf(await sidecar.client.set(sol, "newer"))).toEqual(empty(204));
    await sidecar.client.get(sol);
    expect(await sidecar.metric("ownid_store_events_total", "audited")).toBe(1);
    expect(await sidecar.metric("ownid_store_events_total", "stale_hit")).toBe(0);
    await redis.hset(sidecar.userKey(sol), "v", "planted");
    expect(outcomeOf(await sidecar.client.get(sol))).toEqual(devices("planted"));
    const cries = () => sidecar.metric("ownid_store_events_total", "stale_hit");
    expect(await eventually(cries, 1)).toBe(1);
    expect(await eventually(() => redis.hget(sidecar.userKey(sol), "v"), null)).toBeNull();
    expect(outcomeOf(await sidecar.client.get(sol))).toEqual(devices("newer"));
    redis.disconnect();
  });
});

describeWithPrivate("redis", "a sidecar whose Redis goes and comes", () => {
  test("is served from the database, degraded, when Redis is missing at its start, and takes it up", async () => {
    await using server = await startRedis();
    await server.stop();
    await using sidecar = await startSidecar(server);
    expect(outcomeOf(await sidecar.client.get(sol))).toEqual(devices("devices"));
    expect(outcomeOf(await sidecar.client.session(sol))).toEqual(token);
    expect(outcomeOf(await sidecar.client.set(sol, "new"))).toEqual(problem("ERR_REDIS_UNAVAILABLE"));
    expect((await sidecar.invalidate({ all: true })).status).toBe(503);
    expect((await sidecar.invalidate({ loginId: sol })).status).toBe(503);
    expect(await sidecar.report()).toEqual({
      status: 200,
      state: "degraded",
      redis: "unavailable",
      filling: false,
    });
    expect(sidecar.table.read(sol)).toBe("devices");
    await server.start();
    const sets = async () => (await sidecar.client.set(sol, "new")).status;
    expect(await eventually(sets, 204)).toBe(204);
    expect(await eventually(sidecar.isFilling, true)).toBe(true);
    expect(await sidecar.report()).toEqual({ status: 200, state: "ok", redis: "ok", filling: true });
    expect(outcomeOf(await sidecar.client.get(sol))).toEqual(devices("new"));
  });

  test("refuses a set while Redis is down, does not touch the database, and sets again after its return", async () => {
    await using server = await startRedis({ settings: { save: "3600 1" } });
    await using sidecar = await startSidecar(server);
    const redis = new Redis(server.url(), { retryStrategy: () => 10 });
    redis.on("error", () => {});
    expect(await eventually(sidecar.isFilling, true)).toBe(true);
    expect(outcomeOf(await sidecar.client.set(sol, "in the snapshot"))).toEqual(empty(204));
    await redis.save();
    expect(outcomeOf(await sidecar.client.set(sol, "after the snapshot"))).toEqual(empty(204));
    await server.kill();
    expect(await eventually(async () => (await sidecar.report()).redis, "unavailable")).toBe("unavailable");
    expect(outcomeOf(await sidecar.client.get(sol))).toEqual(devices("after the snapshot"));
    const refusal = await sidecar.client.set(sol, "while Redis is down");
    expect(outcomeOf(refusal)).toEqual(problem("ERR_REDIS_UNAVAILABLE"));
    expect(refusal.headers.get("retry-after")).toBe("1");
    expect(sidecar.table.read(sol)).toBe("after the snapshot");
    await server.start();
    expect(await redis.hget(sidecar.userKey(sol), "v")).toBe("in the snapshot");
    const answers = new Set<string>();
    const isBack = async () => {
      answers.add((await sidecar.client.get(sol)).body);
      return sidecar.isFilling();
    };
    expect(await eventually(isBack, true)).toBe(true);
    expect([...answers]).toEqual(['{"ownIdData":"after the snapshot"}']);
    await server.kill();
    await server.start();
    const sets = async () => (await sidecar.client.set(sol, "newer")).status;
    expect(await eventually(sets, 204)).toBe(204);
    expect(outcomeOf(await sidecar.client.get(sol))).toEqual(devices("newer"));
    redis.disconnect();
  });
});
