import { Redis } from "ioredis";
import type { RedisCluster } from "../../servers/redis-cluster.ts";
import type { RedisServer } from "../../servers/redis-server.ts";
import { experiment, type Progress, provenByUse, unless } from "../harness/experiment.ts";
import type { History } from "../harness/history.ts";
import { untilTrue } from "../harness/load.ts";
import { heldValue, tellRedis, userKey } from "../harness/redis-admin.ts";
import { judgeUnderLoad } from "../harness/under-load.ts";
import { startWorld, type World } from "../harness/world.ts";

export const movingSlots = experiment({
  id: "moving-slots",
  title: "three sidecars use a Redis Cluster of three masters while slots move and a master is restored",
  passes:
    "the history is linearizable, there is no stale hit, and a hash that moved with its slot is not believed after a restore",
  small: { moves: 12, restores: 1, ratePerSecond: 120 },
  full: { moves: 400, restores: 10, ratePerSecond: 200 },
  async run({ moves, restores, ratePerSecond }, progress) {
    await using world = await startWorld({
      sidecars: 3,
      users: 9,
      redis: "cluster",
      times: { ttlSeconds: 20 },
    });
    const load = { clients: 9, ratePerSecond, sets: 0.15, sessions: 0.05 };
    const verdict = await judgeUnderLoad(world, load, async (history, { stop }) => {
      const owners = await ownersOf(world);
      await moveInTurn(world, owners, moves, progress);
      await stop();
      let oldHashes = 0;
      for (let restore = 1; restore <= restores; restore += 1) {
        oldHashes += await restoreMovedHash(world, owners, history);
        progress(`${restore} of ${restores} masters restored`);
      }
      await Bun.sleep(500);
      return {
        figures: { moves, restores, "old values restored": oldHashes },
        failures: unless({ "no old value was restored": oldHashes > 0 }),
      };
    });
    return provenByUse(verdict);
  },
});

async function moveInTurn(world: World, owners: Owners, moves: number, progress: Progress): Promise<void> {
  const { loginIds } = world.site;
  for (let move = 0; move < moves; move += 1) {
    await moveSlot(world.cluster, owners, loginIds[move % loginIds.length] ?? "");
    progress(`${move + 1} of ${moves} slots moved`);
    await Bun.sleep(80);
  }
}

/** The index of the master that has the slot of a login id, among the nodes. */
type Owners = Map<string, number>;

async function ownersOf({ cluster, site }: World): Promise<Owners> {
  const owners: Owners = new Map();
  for (const loginId of site.loginIds) {
    const slot = await slotOf(cluster, loginId);
    owners.set(loginId, Math.floor((slot * cluster.nodes.length) / 16_384));
  }
  return owners;
}

async function slotOf({ nodes: [node] }: RedisCluster, loginId: string): Promise<number> {
  if (node === undefined) throw new Error("an empty cluster");
  return Number(await tellRedis(node, "CLUSTER", "KEYSLOT", userKey(loginId)));
}

/** Moves a user's slot to the next master, like `redis-cli --cluster reshard`. */
async function moveSlot(cluster: RedisCluster, owners: Owners, loginId: string): Promise<void> {
  const slot = await slotOf(cluster, loginId);
  const [from, to] = await placesOf(cluster, owners, loginId);
  const clients = cluster.nodes.map((node) => new Redis(node.url(), { enableReadyCheck: false }));
  try {
    const ids = await Promise.all(
      clients.map(async (client) => String(await client.call("CLUSTER", "MYID"))),
    );
    const [source, target] = [clients[from], clients[to]];
    const [sourceId = "", targetId = ""] = [ids[from], ids[to]];
    await target?.call("CLUSTER", "SETSLOT", slot, "IMPORTING", sourceId);
    await source?.call("CLUSTER", "SETSLOT", slot, "MIGRATING", targetId);
    const port = cluster.nodes[to]?.port ?? 0;
    for (let batch = 0; batch < 100; batch += 1) {
      const keys = (await source?.cluster("GETKEYSINSLOT", slot, 10)) ?? [];
      if (keys.length === 0) break;
      await source?.call("MIGRATE", "127.0.0.1", port, "", 0, 1000, "KEYS", ...keys);
      await Bun.sleep(5);
    }
    for (const client of [target, source, ...clients])
      await client?.call("CLUSTER", "SETSLOT", slot, "NODE", targetId);
    for (const [other, owner] of owners)
      if (other === loginId) owners.set(other, (owner + 1) % clients.length);
  } finally {
    for (const client of clients) client.disconnect();
  }
}

async function placesOf({ nodes }: RedisCluster, owners: Owners, loginId: string): Promise<[number, number]> {
  const from = owners.get(loginId) ?? 0;
  return [from, (from + 1) % nodes.length];
}

/**
 * Moves a slot together with a hash that is a hit, saves a snapshot of its new master, overwrites the value, and
 * restores the snapshot. Returns 1 if the old value was restored.
 */
async function restoreMovedHash(world: World, owners: Owners, history: History): Promise<number> {
  const { sidecars, site, cluster } = world;
  const [first, second] = [world.sidecar(0), world.sidecar(1)];
  const [loginId = ""] = site.loginIds;
  await world.untilFilling();
  await history.set(first, loginId);
  await history.get(first, loginId);
  await moveSlot(cluster, owners, loginId);
  const keeper = nodeOf(world, owners, loginId);
  const moved = await heldValue(keeper, loginId);
  await tellRedis(keeper, "SAVE");
  const { value: current } = await history.set(second, loginId);
  for (const sidecar of sidecars) await history.get(sidecar, loginId);
  await keeper.kill();
  await keeper.start();
  const isComplete = async () =>
    String(await tellRedis(keeper, "CLUSTER", "INFO")).includes("cluster_state:ok");
  await untilTrue("the Cluster covers all slots again", isComplete);
  const restored = await heldValue(keeper, loginId);
  // Continue until every sidecar is connected to the restored master again and the grace is over.
  const deadline = performance.now() + world.times.graceMs + 2000;
  while (performance.now() < deadline) {
    await Promise.all(sidecars.map((sidecar) => history.get(sidecar, loginId)));
    await Bun.sleep(20);
  }
  return restored !== null && restored === moved && restored !== current ? 1 : 0;
}

function nodeOf({ cluster }: World, owners: Owners, loginId: string): RedisServer {
  const node = cluster.nodes[owners.get(loginId) ?? 0];
  if (node === undefined) throw new Error("no such node");
  return node;
}
