import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { Cluster, Command, type Redis } from "ioredis";
import { type RedisCluster, startRedisCluster } from "../../scripts/servers/redis-cluster.ts";
import type { RedisServer } from "../../scripts/servers/redis-server.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { connectRedis } from "../../src/redis/connection.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { fill, hold, isUnavailable, untilHit } from "../support/hot-copy-steps.ts";
import { clusterPlace, type OpenedStore, openStore, withRedis } from "../support/redis-places.ts";

setDefaultTimeout(30_000);

/** A command that is waited for takes 500 ms to be given up. */
const usualMsMax = 250;

/** What the work takes in most of 20 turns: a single one may have to wait for a processor. */
async function usualMs(work: () => Promise<void>): Promise<number> {
  const durations: number[] = [];
  for (let turn = 0; turn < 20; turn += 1) {
    const from = performance.now();
    await work();
    durations.push(performance.now() - from);
  }
  return durations.toSorted((a, b) => a - b)[10] ?? Number.NaN;
}

const slotOf = (key: string) => new Command("get", [key]).getSlot() ?? 0;

/** Returns a key that belongs to this slot. */
function keyIn(slot: number): string {
  for (let number = 0; ; number += 1) if (slotOf(`key ${number}`) === slot) return `key ${number}`;
}

/** Does `work` while one slot is on its way from one master to another, some of its keys here and some there. */
async function migrating(
  slot: number,
  { from, to, keys }: { from: RedisServer; to: RedisServer; keys: readonly string[] },
  work: () => Promise<void>,
): Promise<void> {
  const [fromId, toId] = await Promise.all([idOf(from), idOf(to)]);
  await withRedis(to, (redis) => redis.cluster("SETSLOT", slot, "IMPORTING", fromId));
  await withRedis(from, (redis) => redis.cluster("SETSLOT", slot, "MIGRATING", toId));
  await withRedis(from, (redis) => redis.migrate("127.0.0.1", to.port, "", 0, 5000, "KEYS", ...keys));
  await work();
  const left = await withRedis(from, (redis) => redis.cluster("GETKEYSINSLOT", slot, 1000));
  if (left.length > 0)
    await withRedis(from, (redis) =>
      redis.migrate("127.0.0.1", to.port, "", 0, 5000, "KEYS", ...left.map(String)),
    );
  for (const server of [to, from])
    await withRedis(server, (redis) => redis.cluster("SETSLOT", slot, "NODE", toId));
}

/** A node that was restarted serves no key for two seconds. */
async function untilServing(server: RedisServer): Promise<void> {
  const serves = () =>
    withRedis(server, async (redis) => String(await redis.cluster("INFO")).includes("cluster_state:ok"));
  if (!(await eventually(serves, true))) throw new Error("the Cluster does not come back");
}

function idOf(server: RedisServer): Promise<string> {
  return withRedis(server, async (redis) => String(await redis.cluster("MYID")));
}

describeWithPrivate("redis", "the hot copy in a Cluster that changes", () => {
  let cluster: RedisCluster;
  let store: OpenedStore;

  beforeAll(async () => {
    cluster = await startRedisCluster({
      settings: { "cluster-require-full-coverage": "no", save: "3600 1" },
    });
  });
  beforeEach(async () => {
    for (const node of cluster.nodes) await untilServing(node);
    store = openStore(clusterPlace(cluster));
    await store.filling();
  });
  afterAll(() => cluster.remove());

  const keyOf = (loginId: string) => `${store.keyPrefix}user:${loginId}`;

  async function ownerOf(slot: number): Promise<RedisServer> {
    const [first] = cluster.nodes;
    const ranges = first === undefined ? [] : await withRedis(first, (redis) => redis.cluster("SLOTS"));
    for (const [from, to, owner] of ranges) {
      const node = cluster.nodes.find(({ port }) => port === Number(owner?.[1]));
      if (Number(from) <= slot && slot <= Number(to) && node !== undefined) return node;
    }
    throw new Error(`nobody serves slot ${slot}`);
  }

  /** Where a user's hash is, and where it shall go. */
  async function journeyOf(loginId: string) {
    const slot = slotOf(keyOf(loginId));
    const from = await ownerOf(slot);
    const to = cluster.nodes.find((node) => node !== from);
    if (to === undefined) throw new Error("a Cluster of one master cannot move a slot");
    return { slot, from, to, keys: [keyOf(loginId)] };
  }

  test("spreads users over all masters", async () => {
    const loginIds = Array.from({ length: 60 }, (_, number) => `user ${number}`);
    for (const loginId of loginIds) await fill(store.hotCopy, loginId, "devices");
    for (const node of cluster.nodes) {
      const keys = await withRedis(node, (redis) => redis.keys(`${store.keyPrefix}user:*`));
      expect(keys.length).toBeGreaterThan(5);
    }
  });

  test("keeps users apart whose login ids contain braces", async () => {
    for (const loginId of ["{ann}", "{ann}b", "a{}n", "}{"]) await fill(store.hotCopy, loginId, loginId);
    for (const loginId of ["{ann}", "{ann}b", "a{}n", "}{"])
      expect(await store.hotCopy.read(loginId)).toEqual({ state: "hit", value: loginId });
  });

  test("hits again after one read of the database when the slot has moved", async () => {
    await fill(store.hotCopy, "ann", "devices");
    const { slot, ...journey } = await journeyOf("ann");
    await migrating(slot, journey, async () => {});
    expect(await store.hotCopy.peek("ann")).toBeNull();
    await fill(store.hotCopy, "ann", "devices");
    expect(await store.hotCopy.read("ann")).toEqual({ state: "hit", value: "devices" });
    expect(await store.hotCopy.peek("ann")).toBe("devices");
  });

  test("believes nothing that a slot's new master has from before it forgot a later write", async () => {
    await hold(store.hotCopy, "ann", "older");
    const { slot, ...journey } = await journeyOf("ann");
    await migrating(slot, journey, async () => {});
    await withRedis(journey.to, (redis) => redis.save());
    await hold(store.hotCopy, "ann", "newer");
    expect(await store.hotCopy.read("ann")).toEqual({ state: "hit", value: "newer" });
    await journey.to.kill();
    await journey.to.start();
    await untilServing(journey.to);
    const held = () => withRedis(journey.to, (redis) => redis.hget(keyOf("ann"), "v"));
    expect(await held()).toBe("older");
    expect(await untilHit(store.hotCopy, "ann", "newer")).toBe("newer");
    expect(await held()).toBe("newer");
  });

  test("runs every step while the slot is on its way, on whichever side the hash is", async () => {
    // The same braces: one slot, so that one user's hash has moved and the other's has not.
    const [moved, left] = ["{slot}moved", "{slot}left"];
    for (const loginId of [moved, left]) await fill(store.hotCopy, loginId, "older");
    const { slot, ...journey } = await journeyOf(moved);
    await migrating(slot, journey, async () => {
      await withRedis(journey.to, (redis) => redis.script("FLUSH"));
      for (const loginId of [moved, left, "{slot}new"]) {
        const begun = await store.hotCopy.begin(loginId);
        expect(await store.hotCopy.read(loginId)).toEqual({ state: "ask" });
        await begun.end("newer");
        expect(await store.hotCopy.read(loginId)).toEqual({ state: "hit", value: "newer" });
        await store.hotCopy.purge(loginId);
        await fill(store.hotCopy, loginId, "filled");
        expect(await store.hotCopy.read(loginId)).toEqual({ state: "hit", value: "filled" });
      }
    });
    for (const loginId of [moved, left, "{slot}new"])
      expect(await untilHit(store.hotCopy, loginId, "filled")).toBe("filled");
    expect(store.events).not.toContain("unreachable");
  });

  test("keeps a writer's marker when its slot moves, and lets it end there without a fill", async () => {
    await fill(store.hotCopy, "bob", "older");
    const begun = await store.hotCopy.begin("bob");
    const { slot, ...journey } = await journeyOf("bob");
    await migrating(slot, journey, async () => {});
    expect(await store.hotCopy.read("bob")).toEqual({ state: "ask" });
    await begun.end("newer");
    expect(store.events).not.toContain("end failed");
    expect(await store.hotCopy.peek("bob")).toBeNull();
    await fill(store.hotCopy, "bob", "newer");
  });

  test("answers many concurrent readers of users whose slots have just moved", async () => {
    const readers = Array.from({ length: 40 }, (_, number) => `reader ${number}`);
    // Two users may share a slot, and would move together.
    const loginIds = [...new Map(readers.map((loginId) => [slotOf(keyOf(loginId)), loginId])).values()];
    for (const loginId of loginIds) await fill(store.hotCopy, loginId, loginId);
    for (const loginId of loginIds.slice(0, 5)) {
      const { slot, ...journey } = await journeyOf(loginId);
      await migrating(slot, journey, async () => {});
    }
    const answers = await Promise.all(loginIds.map((loginId) => store.hotCopy.read(loginId)));
    const states = answers.map(({ state }) => state);
    expect(states).toEqual(loginIds.map((_, index) => (index < 5 ? "miss" : "hit")));
    const begins = await Promise.all(loginIds.map((loginId) => isUnavailable(store.hotCopy.begin(loginId))));
    expect(begins.includes(true)).toBe(false);
    expect(store.events).not.toContain("unreachable");
  });

  test("knows all masters, and the owners of other slots, as soon as it learns that one slot has moved", async () => {
    const connection = connectRedis(clusterPlace(cluster).connection);
    await new Promise((resolve) => connection.client.once("ready", resolve));
    const { slot, ...journey } = await journeyOf("ann");
    const neighbor = keyIn(slot === 0 ? 1 : slot - 1);
    expect(await ownerOf(slotOf(neighbor))).toBe(journey.from);
    await migrating(slot, journey, async () => {});
    const portsOf = (masters: readonly (Redis | null)[]) => masters.map((master) => master?.options.port);
    const seen = new Set<string>();
    let isLearned = false;
    connection.client.once("refresh", () => {
      isLearned = true;
    });
    const asked = connection.client.hget(keyOf("ann"), "v");
    while (!isLearned) {
      seen.add(
        JSON.stringify([portsOf(connection.masters()).toSorted(), portsOf([connection.masterOf(neighbor)])]),
      );
      await new Promise(setImmediate);
    }
    await asked;
    const ports = cluster.nodes.map(({ port }) => port).toSorted();
    expect([...seen]).toEqual([JSON.stringify([ports, [journey.from.port]])]);
    connection.close();
  });

  test("asks the database at once for a dead master's users, and serves the others' hits", async () => {
    const loginIds = Array.from({ length: 30 }, (_, number) => `user ${number}`);
    for (const loginId of loginIds) await fill(store.hotCopy, loginId, loginId);
    const [dead] = cluster.nodes;
    if (dead === undefined) throw new Error("the Cluster has no node");
    await dead.kill();
    const states = async () => {
      const reads = await Promise.all(loginIds.map((loginId) => store.hotCopy.read(loginId)));
      return reads.filter(({ state }) => state === "hit").length;
    };
    expect(await eventually(async () => store.liveMasters(), 2)).toBe(2);
    const hits = await states();
    expect(hits > 5 && hits < 25).toBe(true);
    expect(await usualMs(async () => expect(await states()).toBe(hits))).toBeLessThan(usualMsMax);
    expect(await isUnavailable(store.hotCopy.purgeAll())).toBe(true);
    await dead.start();
    for (const loginId of loginIds) expect(await untilHit(store.hotCopy, loginId, loginId)).toBe(loginId);
    await store.hotCopy.purgeAll();
    expect(await states()).toBe(0);
  });

  test("asks at once for a frozen master's users after the first, and serves the others' hits", async () => {
    const loginIds = Array.from({ length: 30 }, (_, number) => `user ${number}`);
    for (const loginId of loginIds) await fill(store.hotCopy, loginId, loginId);
    const [frozen] = cluster.nodes;
    if (frozen === undefined) throw new Error("the Cluster has no node");
    await frozen.freeze();
    const hitsOf = async () => {
      const reads = await Promise.all(loginIds.map((loginId) => store.hotCopy.read(loginId)));
      return reads.filter(({ state }) => state === "hit").length;
    };
    const hits = await hitsOf();
    expect(hits > 5 && hits < 25).toBe(true);
    expect(await usualMs(async () => expect(await hitsOf()).toBe(hits))).toBeLessThan(usualMsMax);
    await frozen.thaw();
    for (const loginId of loginIds) expect(await untilHit(store.hotCopy, loginId, loginId)).toBe(loginId);
  });

  test("comes back when all masters were killed", async () => {
    await fill(store.hotCopy, "ann", "older");
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    expect(await eventually(async () => store.isLive(), false)).toBe(false);
    expect(await store.hotCopy.read("ann")).toEqual({ state: "ask" });
    expect(await isUnavailable(store.hotCopy.begin("ann"))).toBe(true);
    await Promise.all(cluster.nodes.map((node) => node.start()));
    expect(await untilHit(store.hotCopy, "ann", "newer")).toBe("newer");
    const client = new Cluster(cluster.endpoints());
    expect(await client.hget(keyOf("ann"), "v")).toBe("newer");
    client.disconnect();
  });
});
