import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { Redis } from "ioredis";
import { startFaultProxy } from "../../scripts/servers/fault-proxy.ts";
import { startRedisCluster } from "../../scripts/servers/redis-cluster.ts";
import { startRedisSentinel } from "../../scripts/servers/redis-sentinel.ts";
import { type RedisServer, startRedis } from "../../scripts/servers/redis-server.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { fill } from "../support/hot-copy-steps.ts";
import { openStore, placeOf, withRedis } from "../support/redis-places.ts";

setDefaultTimeout(30_000);

type Settings = Readonly<Record<string, string>>;

/** The sidecar's side of Redis, as its own configuration understands these settings. */
function openWith(settings: Settings) {
  const { redis } = loadConfig({ NODE_ENV: "test", ...settings }, () => new Uint8Array(32));
  if (redis === null) throw new Error("no REDIS_URL");
  return openStore({ connection: redis.connection.reveal(), servers: [] });
}

async function reasonWith(settings: Settings, reason: string): Promise<string | undefined> {
  await using store = openWith(settings);
  const problem = async () => (store.isLive() ? "none" : store.problem()?.reason);
  return await eventually(problem, reason, 5000);
}

async function isUsedWith(settings: Settings): Promise<boolean> {
  await using store = openWith(settings);
  return await eventually(async () => store.isLive(), true, 5000);
}

describeWithPrivate("redis", "a Redis that is not as the settings say", () => {
  let plain: RedisServer;
  let tls: RedisServer;

  beforeAll(async () => {
    [plain, tls] = await Promise.all([startRedis(), startRedis({ tls: true })]);
  });

  async function expectReason(settings: Settings, reason: string): Promise<void> {
    expect(await reasonWith(settings, reason)).toBe(reason);
  }

  test("is told by its role and mode", async () => {
    await using cluster = await startRedisCluster();
    await using replica = await startRedis({ replicaOf: plain });
    const [node] = cluster.nodes;
    await expectReason(
      { REDIS_URL: node?.url() ?? "" },
      "the server is a node of a Redis Cluster, but REDIS_MODE is single",
    );
    await expectReason(
      { REDIS_URL: plain.url(), REDIS_MODE: "cluster" },
      "REDIS_MODE is cluster, but the server is not a node of a Cluster",
    );
    await expectReason(
      { REDIS_URL: replica.url() },
      `the server is not a master, but a replica of 127.0.0.1:${plain.port}`,
    );
  });

  test("is told by what sentinels say", async () => {
    await using watched = await startRedisSentinel();
    const [sentinel] = watched.sentinels;
    const settings = {
      REDIS_URL: sentinel?.url() ?? "",
      REDIS_MODE: "sentinel",
      REDIS_SENTINEL_MASTER: watched.masterName,
    };
    expect(await isUsedWith(settings)).toBe(true);
    const single = { REDIS_URL: settings.REDIS_URL };
    await expectReason(single, "REDIS_URL names a sentinel, but REDIS_MODE is single");
    await expectReason(
      { ...single, REDIS_MODE: "cluster" },
      "REDIS_MODE is cluster, but the server is not a node of a Cluster",
    );
    await expectReason(
      { ...settings, REDIS_URL: plain.url() },
      "REDIS_MODE is sentinel, but REDIS_URL names a Redis server",
    );
    await expectReason(
      { ...settings, REDIS_SENTINEL_MASTER: "another" },
      "the sentinels know no such master",
    );
    await expectReason({ ...settings, REDIS_SENTINEL_TLS: "true" }, "a sentinel does not answer in TLS");
    await expectReason({ ...settings, REDIS_URL: "redis://127.0.0.1:1" }, "no sentinel in REDIS_URL answers");
    await withRedis(watched.sentinels[0] ?? plain, async (redis) => {
      await redis.acl("SETUSER", "watcher", "on", ">secret", "+@all", "allkeys", "allchannels");
      await redis.acl("SETUSER", "default", "resetpass");
    });
    await expectReason(settings, "the sentinels refuse the login");
    const login = { REDIS_SENTINEL_USERNAME: "watcher", REDIS_SENTINEL_PASSWORD: "secret" };
    expect(await isUsedWith({ ...settings, ...login })).toBe(true);
  });

  test("is told by whether it speaks TLS, with whose certificate", async () => {
    const secure = { REDIS_URL: tls.url(), REDIS_TLS_CA_FILE: tls.caFile() };
    const closes = "closes the connection, as it does where it expects TLS";
    const open = { REDIS_URL: tls.url().replace("rediss", "redis") };
    await expectReason(open, `Redis ${closes}`);
    await expectReason({ ...open, REDIS_MODE: "cluster" }, `a node of the Cluster ${closes}`);
    await expectReason({ REDIS_URL: plain.url().replace("redis", "rediss") }, "Redis does not answer in TLS");
    const untrusted = "the certificate of Redis is issued by an authority that is not trusted";
    await expectReason({ REDIS_URL: tls.url() }, untrusted);
    expect(await isUsedWith(secure)).toBe(true);
  });

  test("is told by its silence alone once it has been in use", async () => {
    await using proxy = await startFaultProxy({ host: "127.0.0.1", port: plain.port });
    await using store = openWith({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
    expect(await eventually(async () => store.isLive(), true, 5000)).toBe(true);
    const attempts = proxy.countInRequests("hello");
    proxy.blackHole();
    const silent = "Redis does not answer";
    const reasons = new Set<string>();
    // The sidecar gives up the first connection, and then an attempt to make another one.
    const hasGivenUpTwice = async () => {
      if (!store.isLive()) reasons.add(store.problem()?.reason ?? silent);
      return attempts() > 1;
    };
    expect(await eventually(hasGivenUpTwice, true, 15_000)).toBe(true);
    expect([...reasons]).toEqual([silent]);
  });

  test("is told by its demand for a client certificate, and used with one", async () => {
    await using strict = await startRedis({ tls: true });
    const settings = { REDIS_URL: strict.url(), REDIS_TLS_CA_FILE: strict.caFile() };
    const certificate = {
      REDIS_TLS_CERT_FILE: join(strict.dir(), "server.pem"),
      REDIS_TLS_KEY_FILE: join(strict.dir(), "server.key"),
    };
    await demandClientCertificates(strict);
    await expectReason(settings, "Redis asks for a client certificate that it trusts");
    expect(await isUsedWith({ ...settings, ...certificate })).toBe(true);
  });

  test.each([16, 9999])(
    "is told by the lack of database %d, and nothing is written to another",
    async (number) => {
      await using server = await startRedis();
      await using store = openWith({ REDIS_URL: `${server.url()}/${number}` });
      const reason = async () => store.problem()?.reason;
      const lacking = "Redis has no database with the number in REDIS_URL";
      expect(await eventually(reason, lacking)).toBe(lacking);
      for (let turn = 0; turn < 20; turn += 1) {
        expect(await store.hotCopy.begin("ann").catch(() => null)).toBeNull();
        await Bun.sleep(50);
      }
      expect([store.isLive(), store.problem()?.reason]).toEqual([false, lacking]);
      expect(await withRedis(server, (redis) => redis.info("keyspace"))).not.toContain("keys=");
    },
  );

  test("is told by an account that may not choose its database", async () => {
    await using server = await startRedis();
    await withRedis(server, (redis) =>
      redis.acl("SETUSER", "sidecar", "on", ">secret", "+@all", "-select", "allkeys", "allchannels"),
    );
    const url = `redis://sidecar:secret@127.0.0.1:${server.port}`;
    await expectReason({ REDIS_URL: `${url}/3` }, "the account may not run SELECT (NOPERM)");
    expect(await isUsedWith({ REDIS_URL: url })).toBe(true);
  });
});

describeWithPrivate("redis", "the reason that Redis gives", () => {
  test("is told without the login id that Redis quotes", async () => {
    await using server = await startRedis({ settings: { "rename-command": 'EVALSHA ""' } });
    await using store = openStore(placeOf(server));
    await store.filling();
    // The first time, each script is sent by its text.
    await fill(store.hotCopy, "sol@testmail.com", "devices");
    await store.hotCopy.purge("sol@testmail.com");
    await store.hotCopy.read("sol@testmail.com");
    expect(store.isLive()).toBe(false);
    expect(store.problem()).toEqual({
      reason: "Redis does not know the command EVALSHA",
      fix: "remove its rename-command from the configuration of Redis, which must be 7.0 or newer",
    });
  });
});

async function demandClientCertificates(server: RedisServer): Promise<void> {
  const admin = new Redis(server.port, { tls: { ca: await Bun.file(server.caFile()).text() } });
  await admin.config("SET", "tls-auth-clients", "yes");
  admin.disconnect();
}
