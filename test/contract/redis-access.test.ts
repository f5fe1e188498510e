import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Redis } from "ioredis";
import { startRedisCluster } from "../../scripts/servers/redis-cluster.ts";
import { type RedisServer, startRedis } from "../../scripts/servers/redis-server.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import type { HotCopy } from "../../src/coherence/hot-copy.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { write } from "../support/hot-copy-steps.ts";
import { type OpenedStore, openStore, type RedisPlace, withRedis } from "../support/redis-places.ts";

setDefaultTimeout(30_000);

const password = "p@ss:w/ör d%?#&,{}";
/** What a sidecar needs besides its own keys, and nothing more. */
const commands = [
  ...["hmget", "eval", "evalsha", "info", "scan", "set", "get", "time"],
  ...["hget", "hset", "hdel", "hgetall", "pexpire", "pttl", "persist"],
];

const rulesOf = (names: readonly string[]) => [
  ...["reset", "on", `>${password}`, "~ownid:*"],
  ...names.map((name) => `+${name}`),
];

/** As the sidecar's own configuration understands it. */
function placeOf(environment: Record<string, string>, servers: readonly RedisServer[]): RedisPlace {
  const { redis } = loadConfig({ NODE_ENV: "test", ...environment }, () => new Uint8Array(32));
  if (redis === null) throw new Error("no REDIS_URL");
  return { connection: redis.connection.reveal(), servers };
}

function urlOf({ port }: RedisServer, { scheme = "redis", user = "sidecar" } = {}): string {
  return `${scheme}://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}`;
}

/** Everything that a sidecar ever asks of Redis; what is refused shows as an answer that is not the expected one. */
async function useEverything(store: OpenedStore, patienceMs = 5000): Promise<boolean> {
  const { hotCopy, replayGuard, sessionLedger, events } = store;
  if (!(await eventually(async () => store.isFilling(), true, patienceMs))) return false;
  try {
    const first = await hotCopy.read("ann");
    if (first.state !== "miss") return false;
    await first.fill("devices");
    await write(hotCopy, "bob", "devices");
    await hotCopy.purge("ann");
    const [ann, bob] = [await hotCopy.read("ann"), await hotCopy.read("bob")];
    const mac = crypto.getRandomValues(new Uint8Array(32));
    const claims = [await replayGuard.claim(mac, "set", Date.now() + 1000)];
    await replayGuard.settle(mac, "set", "failed");
    claims.push(await replayGuard.claim(mac, "set", Date.now() + 1000));
    claims.push(await replayGuard.claim(mac, "set", 0));
    const token = {
      jti: "jti",
      sid: "sid",
      user: "ann",
      issuedAt: (await sessionLedger.revokedUntil("ann")) + 1,
    };
    await sessionLedger.revokeUser("ann");
    await sessionLedger.revoke("another");
    if (!(await sessionLedger.isRevoked(token)) || !(await sessionLedger.recordExchange("jti", 9)))
      return false;
    if (!(await marksAndClears(hotCopy, "bob"))) return false;
    await hotCopy.purgeAll();
    const isAsExpected = `${ann.state} ${bob.state} ${claims}` === "miss hit run,run,open";
    return isAsExpected && (await hotCopy.peek("bob")) === null && !/un|fail|back/.test(events.join());
  } catch {
    return false;
  }
}

/** The mark of a stale hash, from the look that finds it to the read that clears it. */
async function marksAndClears(hotCopy: HotCopy, loginId: string): Promise<boolean> {
  const { held } = await hotCopy.look(loginId);
  if (held === null || !(await hotCopy.markStale(loginId, held))) return false;
  const read = await hotCopy.read(loginId);
  if (read.state !== "stale") return false;
  await read.clear();
  return !(await hotCopy.look(loginId)).isStale;
}

const timeless = { limits: { ttlMs: 0, tokenMs: 5000, quarantineMs: 10_000 } };
const openOwnid = (place: RedisPlace) => openStore(place, { ...timeless, keyPrefix: "ownid:" });

describeWithPrivate("redis", "a Redis account for the sidecar", () => {
  let server: RedisServer;
  let admin: Redis;
  let place: RedisPlace;

  beforeAll(async () => {
    server = await startRedis({ acl: ["user default on nopass ~* &* +@all"] });
    admin = new Redis(server.url());
    place = placeOf({ REDIS_URL: urlOf(server) }, []);
  });
  afterAll(() => admin.disconnect());

  async function worksWith(rules: readonly string[], patienceMs?: number): Promise<boolean> {
    await admin.flushall();
    await admin.script("FLUSH");
    await admin.acl("SETUSER", "sidecar", ...rules);
    await using store = openOwnid(place);
    return await useEverything(store, patienceMs);
  }

  test("does everything with its own keys and the listed commands", async () => {
    expect(await worksWith(rulesOf(commands))).toBe(true);
  });

  test.each(commands)("needs %s", async (command) => {
    expect(await worksWith(rulesOf(commands.filter((other) => other !== command)), 200)).toBe(false);
  });

  test("says which right is missing", async () => {
    await admin.acl("SETUSER", "sidecar", ...rulesOf(["info", "hmget"]));
    await using store = openOwnid(place);
    const reason = "the account may not run EVAL (NOPERM)";
    expect(await eventually(async () => store.problem()?.reason, reason)).toBe(reason);
    expect(store.isLive()).toBe(false);
  });

  test("is refused with a wrong password, and says so without it", async () => {
    await admin.acl("SETUSER", "sidecar", ...rulesOf(commands));
    await using store = openStore(
      placeOf({ REDIS_URL: `redis://sidecar:guess-3141@127.0.0.1:${server.port}` }, []),
    );
    const reason = async () => store.problem()?.reason;
    expect(await eventually(reason, "Redis refuses the login")).toBe("Redis refuses the login");
    expect(JSON.stringify(store.problem())).not.toContain("guess-3141");
  });

  test("uses the database number of the URL", async () => {
    await admin.acl("SETUSER", "sidecar", ...rulesOf([...commands, "select"]));
    await using store = openOwnid(placeOf({ REDIS_URL: `${urlOf(server)}/3` }, []));
    await store.filling();
    await write(store.hotCopy, "ann", "devices");
    const third = new Redis(server.url(), { db: 3 });
    expect(await third.hget("ownid:user:ann", "v")).toBe("devices");
    third.disconnect();
  });

  test("needs the map of a Cluster too, and ASKING while it changes", async () => {
    await using cluster = await startRedisCluster();
    const [first] = cluster.nodes;
    if (first === undefined) throw new Error("the Cluster has no node");
    const environment = { REDIS_URL: urlOf(first), REDIS_MODE: "cluster" };
    const tryWith = async (names: readonly string[], patienceMs?: number) => {
      for (const node of cluster.nodes)
        await withRedis(node, (redis) => redis.acl("SETUSER", "sidecar", ...rulesOf(names)));
      await using store = openOwnid(placeOf(environment, cluster.nodes));
      return await useEverything(store, patienceMs);
    };
    expect(await tryWith([...commands, "cluster|slots", "cluster|info", "asking"])).toBe(true);
    for (const missing of ["slots", "info"]) {
      const names = ["cluster|slots", "cluster|info"].filter((name) => !name.endsWith(missing));
      expect(await tryWith([...commands, ...names], 300)).toBe(false);
    }
  });
});

describeWithPrivate("redis", "a Redis that serves TLS", () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis({ tls: true, password });
  });

  const open = (changes: Record<string, string>) =>
    openStore(placeOf({ REDIS_URL: urlOf(server, { scheme: "rediss", user: "" }), ...changes }, []));

  test("is used by whoever trusts its authority", async () => {
    await using store = open({ REDIS_TLS_CA_FILE: server.caFile() });
    expect(await useEverything(store)).toBe(true);
  });

  test("is not used without its authority where NODE_TLS_REJECT_UNAUTHORIZED=0 asks for no verification", async () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    try {
      await using store = open({});
      const reason = async () => store.problem()?.reason.includes("certificate");
      expect(await eventually(reason, true)).toBe(true);
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
  });

  describe.each([
    ["without its authority", () => open({}), "certificate"],
    [
      "without TLS",
      () => open({ REDIS_URL: urlOf(server, { user: "" }), REDIS_TLS_CA_FILE: server.caFile() }),
      "where it expects TLS",
    ],
  ] as const)("%s", (_how, openWithout, words) => {
    test("is not used, and the reason is told", async () => {
      await using store = openWithout();
      expect(await eventually(async () => store.problem()?.reason.includes(words), true)).toBe(true);
      expect(await store.hotCopy.read("ann")).toEqual({ state: "ask" });
      expect(store.isLive()).toBe(false);
    });
  });
});
