import { expect, setDefaultTimeout, test } from "bun:test";
import { Redis } from "ioredis";
import { commandsNeeded } from "../../scripts/doctor/redis-account-checks.ts";
import { judgeRunId } from "../../scripts/doctor/redis-checks.ts";
import { startRedisCluster } from "../../scripts/servers/redis-cluster.ts";
import { startRedisSentinel } from "../../scripts/servers/redis-sentinel.ts";
import { type RedisServer, startRedis } from "../../scripts/servers/redis-server.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { installationOf } from "../../src/config/installation.ts";
import {
  causeAndFix,
  createDeployment,
  type Deployment,
  type Fault,
  faultsOf,
  followFix,
  itemsOf,
} from "../support/deployment.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { withRedis } from "../support/redis-places.ts";
import { administratorPassword, createSidecarRedis, type SidecarRedis } from "../support/sidecar-redis.ts";

setDefaultTimeout(30_000);

interface Site extends Deployment {
  readonly redis: SidecarRedis;
}

async function createSite(): Promise<Site> {
  const redis = await createSidecarRedis();
  const deployment = await createDeployment({
    NODE_ENV: "development",
    REDIS_URL: redis.url,
    REDISCLI_AUTH: administratorPassword,
  });
  return {
    ...deployment,
    redis,
    async [Symbol.asyncDispose]() {
      await deployment[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
}

const setting = (name: string, value: string) => (site: Site) =>
  site.redis.administrator.config("SET", name, value);
const rule =
  (...rules: string[]) =>
  (site: Site) =>
    site.redis.administrator.call("ACL", "SETUSER", "sidecar", ...rules);

const faults: Record<string, Fault<Site>> = {
  "a Redis that evicts": {
    id: "redis.eviction",
    status: "wrong",
    plant: setting("maxmemory-policy", "allkeys-lru"),
  },
  "a Redis that forgets": { id: "redis.persistence", status: "warning", plant: setting("appendonly", "no") },
  "a Redis that waits for replicas which it lacks": {
    id: "redis.replicas",
    status: "wrong",
    plant: setting("min-replicas-to-write", "1"),
  },
  "a Redis that is too small": { id: "redis.memory", status: "wrong", plant: setting("maxmemory", "6mb") },
  "a Redis that is full": {
    id: "redis.memory",
    status: "wrong",
    async plant({ redis: { administrator } }) {
      await administrator.set("another", "x".repeat(40 * 2 ** 20));
      await administrator.config("SET", "maxmemory", "30mb");
    },
  },
  "an account that may not run a script's command": {
    id: "redis.account",
    status: "wrong",
    plant: rule("-hgetall"),
  },
  "an account for another prefix": {
    id: "redis.account",
    status: "wrong",
    plant: rule("resetkeys", "~other:*"),
  },
  "an account that reaches other keys": {
    id: "redis.account-excess",
    status: "warning",
    plant: rule("allkeys"),
  },
  "a default user without a password": {
    id: "redis.default-user",
    status: "warning",
    plant: ({ redis }) => redis.administrator.call("ACL", "SETUSER", "default", "nopass"),
  },
  "an account that administrates": {
    id: "redis.account-excess",
    status: "warning",
    plant: rule("+config", "+acl", "allchannels"),
  },
};

describeWithPrivate("redis", "doctor on Redis", () => {
  for (const [what, fault] of Object.entries(faults)) {
    test(`names and fixes ${what}`, async () => {
      await using site = await createSite();
      expect(await causeAndFix(site, fault)).toEqual([fault.status, "fine"]);
    });
  }

  test("misses each command that it prints for the account", async () => {
    await using site = await createSite();
    site.environment.REDIS_TTL_SECONDS = "0";
    const superfluous: string[] = [];
    for (const command of commandsNeeded) {
      await rule(`-${command}`)(site);
      const items = await itemsOf(site);
      const sick = [items.get("redis.account"), items.get("redis.reachable")];
      if (sick.every((item) => item === undefined || item.status === "fine")) superfluous.push(command);
      await rule(`+${command}`)(site);
    }
    expect(superfluous).toEqual([]);
    expect((await itemsOf(site)).get("redis.account")?.status).toBe("fine");
  });

  test("leaves nothing behind", async () => {
    await using site = await createSite();
    await itemsOf(site);
    expect(await eventually(() => site.redis.administrator.dbsize(), 0)).toBe(0);
  });

  test("prints an account of its own for a sidecar that logs in as everyone", async () => {
    await using site = await createSite();
    await site.redis.administrator.call("ACL", "SETUSER", "default", "nopass");
    site.environment.REDIS_URL = `redis://127.0.0.1:${site.redis.server.port}/1`;
    const { status, fix } = (await itemsOf(site)).get("redis.account-excess") ?? {};
    expect(status).toBe("warning");
    await followFix(fix ?? "", site);
    site.environment.REDIS_URL = site.environment.REDIS_URL.replace("//", "//ownid-sidecar:%3Cpassword%3E@");
    expect(await faultsOf(site)).toEqual(["config.NODE_ENV: warning", "redis.default-user: warning"]);
  });

  test("names and fixes a replica, and a master whose replica does not count", async () => {
    await using master = await createSidecarRedis();
    const settings = { masterauth: JSON.stringify(administratorPassword) };
    await using replica = await startRedis({ replicaOf: master.server, settings });
    await using site = await createDeployment({
      NODE_ENV: "development",
      REDISCLI_AUTH: administratorPassword,
    });
    expect(
      await eventually(async () => /connected_slaves:1/.test(await master.administrator.info()), true),
    ).toBe(true);
    site.environment.REDIS_URL = master.url;
    const alone: Fault<Deployment> = { id: "redis.replicas", status: "warning", plant: () => {} };
    expect(await causeAndFix(site, alone)).toEqual(["warning", "fine"]);
    site.environment.REDIS_URL = replica.url();
    const { status, fix } = (await itemsOf(site)).get("redis.role") ?? {};
    expect([status, fix]).toEqual(["wrong", `REDIS_URL=redis://127.0.0.1:${master.server.port}`]);
  });

  test("says why Redis cannot be reached, within its deadline, and repeats no password", async () => {
    await using server = await startRedis({ password: "guess me" });
    await using site = await createDeployment({ NODE_ENV: "development" });
    const reasonAt = async (url: string) => {
      site.environment.REDIS_URL = url;
      const begun = performance.now();
      const item = (await itemsOf(site, { deadlineMs: 1500 })).get("redis.reachable");
      expect(performance.now() - begun).toBeLessThan(5000);
      return `${item?.status}: ${item?.detail}`;
    };
    expect(await reasonAt(server.url().replace("guess", "quess"))).toBe("wrong: Redis refuses the login");
    await server.freeze();
    expect(await reasonAt(server.url())).toBe("wrong: Redis does not answer");
    await server.kill();
    expect(await reasonAt(server.url())).toBe("wrong: nothing answers at REDIS_URL");
  });

  test("warns of an unencrypted way through a network, and of a hidden run_id", async () => {
    await using site = await createDeployment({
      NODE_ENV: "development",
      REDIS_URL: "redis://192.0.2.1:6379",
    });
    expect((await itemsOf(site, { deadlineMs: 300 })).get("redis.tls")?.status).toBe("warning");
    site.environment.REDIS_URL = "rediss://192.0.2.1:6379";
    expect((await itemsOf(site, { deadlineMs: 300 })).get("redis.tls")?.status).toBe("fine");
    const id = "389b47bc0989c0f292e0d2f841a866c3128975d6";
    expect([
      judgeRunId(id, id),
      judgeRunId("0".repeat(40), "0".repeat(40)),
      judgeRunId("", ""),
    ]).toMatchObject([{ status: "fine" }, { status: "warning" }, { status: "warning" }]);
  });
});

describeWithPrivate("redis", "doctor on a Cluster", () => {
  test("names and fixes slots that nobody serves, and prints what the account needs on each master", async () => {
    await using cluster = await startRedisCluster({ settings: { appendonly: "yes" } });
    const url = cluster.nodes.map((node) => node.url()).join(",");
    await using site = await createDeployment({
      NODE_ENV: "development",
      REDIS_MODE: "cluster",
      REDIS_URL: url,
    });
    const { fix } = (await itemsOf(site)).get("redis.account-excess") ?? {};
    expect(fix?.split("\n").length).toBe(3);
    await followFix(fix ?? "", site);
    site.environment.REDIS_URL = url.replaceAll("//", "//ownid-sidecar:%3Cpassword%3E@");
    expect(await faultsOf(site)).toEqual(["config.NODE_ENV: warning", "redis.default-user: warning"]);

    for (const node of cluster.nodes) await inRedis(node, "CLUSTER DELSLOTS 0");
    const sick = (await itemsOf(site)).get("redis.cluster");
    expect(sick?.status).toBe("wrong");
    // It fails if the nodes have not told each other yet, when it looks for the last time.
    await followFix(sick?.fix ?? "", site).catch(() => {});
    const statusNow = async () => (await itemsOf(site)).get("redis.cluster")?.status;
    expect(await eventually(statusNow, "fine", 10_000)).toBe("fine");
  });
});

describeWithPrivate("redis", "doctor on what a Redis is not", () => {
  test("names the address of a master that the Cluster announces and nobody reaches", async () => {
    await using cluster = await startRedisCluster({ settings: { "cluster-require-full-coverage": "no" } });
    const [first, second] = cluster.nodes;
    if (first === undefined || second === undefined) throw new Error("the Cluster lacks nodes");
    await withRedis(second, async (redis) => {
      await redis.config("SET", "cluster-announce-bus-port", `${second.port + 10_000}`);
      await redis.config("SET", "cluster-announce-port", "1");
    });
    await using site = await createDeployment({
      NODE_ENV: "development",
      REDIS_MODE: "cluster",
      REDIS_URL: first.url(),
    });
    const item = async () => (await itemsOf(site)).get("redis.cluster")?.detail ?? "";
    const named = "the master announced at 127.0.0.1:1 cannot be asked: nothing answers there";
    const isNamed = async () => (await item()).startsWith(named);
    expect(await eventually(isNamed, true, 10_000)).toBe(true);
    const reachable = (await itemsOf(site)).get("redis.reachable");
    expect([reachable?.status, reachable?.detail]).toEqual([
      "wrong",
      "2 masters answer, but not 127.0.0.1:1",
    ]);
  });

  test("names the mode that fits, and the setting", async () => {
    await using cluster = await startRedisCluster();
    await using watched = await startRedisSentinel();
    await using plain = await startRedis();
    const found = async (REDIS_URL = "", settings: Deployment["environment"] = {}) => {
      await using site = await createDeployment({ NODE_ENV: "development", REDIS_URL, ...settings });
      const { detail, fix } = (await itemsOf(site)).get("redis.reachable") ?? {};
      return [detail, fix];
    };
    expect(await found(cluster.nodes[0]?.url())).toEqual([
      "the server is a node of a Redis Cluster, but REDIS_MODE is single",
      "set REDIS_MODE=cluster",
    ]);
    expect(await found(watched.sentinels[0]?.url())).toEqual([
      "REDIS_URL names a sentinel, but REDIS_MODE is single",
      "set REDIS_MODE=sentinel and REDIS_SENTINEL_MASTER",
    ]);
    expect(await found(plain.url(), { REDIS_MODE: "cluster" })).toEqual([
      "REDIS_MODE is cluster, but the server is not a node of a Cluster",
      "set REDIS_MODE=single, or sentinel where REDIS_URL names sentinels",
    ]);
    expect((await found(`${plain.url()}/99`))[0]).toBe("Redis has no database with the number in REDIS_URL");
  });

  test("prints redis-cli so that it asks for a password that is not in REDISCLI_AUTH", async () => {
    await using server = await startRedis({ password: "secret" });
    await using site = await createDeployment({ NODE_ENV: "development", REDIS_URL: server.url() });
    const fix = async () => (await itemsOf(site)).get("redis.persistence")?.fix;
    const cli = `redis-cli -h 127.0.0.1 -p ${server.port}`;
    expect(await fix()).toStartWith(`${cli} --askpass CONFIG SET`);
    site.environment.REDISCLI_AUTH = "secret";
    expect(await fix()).toStartWith(`${cli} CONFIG SET`);
  });

  test("prints redis-cli with the certificates that the server asks for", async () => {
    await using server = await startRedis({ tls: true });
    const file = (name: string) => `${server.dir()}/${name}`;
    await using site = await createDeployment({
      NODE_ENV: "development",
      REDIS_URL: server.url(),
      REDIS_TLS_CA_FILE: server.caFile(),
      REDIS_TLS_CERT_FILE: file("server.pem"),
      REDIS_TLS_KEY_FILE: file("server.key"),
    });
    const admin = new Redis(server.port, { tls: { ca: await Bun.file(server.caFile()).text() } });
    await admin.config("SET", "tls-auth-clients", "yes");
    admin.disconnect();
    const plant = () => {};
    const eviction: Fault<Deployment> = { id: "redis.persistence", status: "warning", plant };
    expect(await causeAndFix(site, eviction)).toEqual(["warning", "fine"]);
  });
});

describeWithPrivate("redis", "doctor on a shared Redis", () => {
  const wrongIds = async (site: Deployment) =>
    (await faultsOf(site)).filter((fault) => /installation|prefix/.test(fault));

  test("names another installation under the same prefix, and the prefix to take", async () => {
    await using server = await startRedis();
    await using site = await createDeployment({ NODE_ENV: "development", REDIS_URL: server.url() });
    expect(await wrongIds(site)).toEqual([]);
    await withRedis(server, (redis) => redis.set("ownid:installation", "0123456789abcdef"));
    const told = (await itemsOf(site)).get("redis.installation")?.detail;
    expect(told).toContain(`run: redis-cli -h 127.0.0.1 -p ${server.port} DEL ownid:installation`);
    const fault: Fault<Deployment> = { id: "redis.installation", status: "wrong", plant: () => {} };
    expect(await causeAndFix(site, fault)).toEqual(["wrong", "fine"]);
    expect(site.environment.REDIS_KEY_PREFIX).toMatch(/^ownid-[0-9a-f]{6}:$/);
  });

  test("names another prefix that the same table is kept under, and fixes that when it is given up", async () => {
    await using server = await startRedis();
    await using site = await createDeployment({ NODE_ENV: "development", REDIS_URL: server.url() });
    const url = site.environment.DATABASE_URL?.replace("sqlite:", "") ?? "";
    const names = { table: "users", loginIdColumn: "email", ownIdDataColumn: "ownIdData" };
    const installation = installationOf({ kind: "sqlite", url, names });
    await withRedis(server, (redis) => redis.set("shop:installation", installation));
    const fault: Fault<Deployment> = { id: "redis.other-prefix", status: "wrong", plant: () => {} };
    expect(await causeAndFix(site, fault)).toEqual(["wrong", "fine"]);
  });
});

describeWithPrivate("redis", "doctor on Sentinel", () => {
  test("asks for enough sentinels, and for a quorum", async () => {
    await using watched = await startRedisSentinel({ replicas: 1, sentinels: 1 });
    await using site = await createDeployment({
      NODE_ENV: "development",
      REDIS_MODE: "sentinel",
      REDIS_SENTINEL_MASTER: watched.masterName,
      REDIS_URL: watched.sentinels.map((sentinel) => sentinel.url()).join(","),
    });
    expect((await itemsOf(site)).get("redis.sentinel")?.status).toBe("warning");
    for (const sentinel of watched.sentinels)
      await inRedis(sentinel, `SENTINEL SET ${watched.masterName} quorum 2`);
    expect((await itemsOf(site)).get("redis.sentinel")?.status).toBe("wrong");
  });
});

async function inRedis(server: RedisServer, command: string): Promise<void> {
  await using site = await createDeployment({});
  await followFix(`redis-cli -p ${server.port} ${command}`, site);
}
