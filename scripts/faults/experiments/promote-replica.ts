import type { RedisServer } from "../../servers/redis-server.ts";
import { experiment, type Progress, provenByUse, rounded, unless } from "../harness/experiment.ts";
import type { History } from "../harness/history.ts";
import { untilSetsSucceed, untilTrue } from "../harness/load.ts";
import { heldValue, tellRedis } from "../harness/redis-admin.ts";
import { judgeUnderLoad } from "../harness/under-load.ts";
import { startWorld, type World } from "../harness/world.ts";

export const promoteReplica = experiment({
  id: "promote-replica",
  title: "Sentinel promotes a replica that lags behind",
  passes: "there are 0 stale hits, although the promoted replica held old values",
  small: { promotions: 1, lagMs: 900, ratePerSecond: 80 },
  full: { promotions: 20, lagMs: 1500, ratePerSecond: 120 },
  async run({ promotions, lagMs, ratePerSecond }, progress) {
    await using world = await startWorld({
      sidecars: 2,
      users: 8,
      redis: "sentinel",
      times: { ttlSeconds: 30 },
    });
    const load = { clients: 10, ratePerSecond, sets: 0.2, sessions: 0.05 };
    const verdict = await judgeUnderLoad(world, load, async (history) => {
      const { promotedMs, laggingHashes } = await promoteInTurn(world, history, promotions, lagMs, progress);
      return {
        figures: {
          promotions: promotedMs.length,
          "outdated hashes on the replica": laggingHashes,
          "ms until sets succeed, worst": rounded(promotedMs),
        },
        failures: unless({
          "the replica had no outdated hash at any promotion": laggingHashes > 0,
          [`a sidecar accepted no set after promotion ${promotedMs.length}`]:
            rounded(promotedMs) < Number.POSITIVE_INFINITY,
        }),
      };
    });
    return provenByUse(verdict);
  },
});

/** Lets master and replica exchange their roles repeatedly. */
async function promoteInTurn(
  world: World,
  history: History,
  promotions: number,
  lagMs: number,
  progress: Progress,
) {
  let { master } = world.sentinel;
  let [replica] = world.sentinel.replicas;
  const promotedMs: number[] = [];
  let laggingHashes = 0;
  await Bun.sleep(700);
  for (let promotion = 1; promotion <= promotions && replica !== undefined; promotion += 1) {
    await letLag(master, replica, lagMs);
    laggingHashes += await countDifferences(world, master, replica);
    await master.kill();
    const killedAt = performance.now();
    await untilMaster(replica);
    const hasRecovered = await untilSetsSucceed(world, history).then(Boolean, () => false);
    promotedMs.push(hasRecovered ? performance.now() - killedAt : Number.POSITIVE_INFINITY);
    if (!hasRecovered) break;
    progress(`${promotion} of ${promotions}, sets succeed after ${rounded(promotedMs.slice(-1))} ms`);
    if (promotion < promotions) await follow(world, master, replica);
    [master, replica] = [replica, master];
    await Bun.sleep(world.times.graceMs + 600);
  }
  return { promotedMs, laggingHashes };
}

/** Cuts the replica off from its master and prevents it from logging in again, while the master continues. */
async function letLag(master: RedisServer, replica: RedisServer, lagMs: number): Promise<void> {
  await tellRedis(replica, "CONFIG", "SET", "masteruser", "nobody", "masterauth", "wrong");
  await tellRedis(master, "CLIENT", "KILL", "TYPE", "replica");
  await Bun.sleep(lagMs);
}

async function countDifferences({ site }: World, master: RedisServer, replica: RedisServer): Promise<number> {
  const pairs = await Promise.all(
    site.loginIds.map(async (loginId) => [
      await heldValue(master, loginId),
      await heldValue(replica, loginId),
    ]),
  );
  return pairs.filter(([current, old]) => old !== null && old !== current).length;
}

function untilMaster(replica: RedisServer): Promise<number> {
  const isMaster = async () => String(await tellRedis(replica, "ROLE")).startsWith("master");
  return untilTrue("the replica is promoted", isMaster, { limitMs: 20_000 });
}

/** Restarts the old master as a replica of the new one, and waits until Sentinel has noticed it. */
async function follow({ sentinel }: World, old: RedisServer, current: RedisServer): Promise<void> {
  await tellRedis(current, "CONFIG", "SET", "masteruser", "", "masterauth", "");
  await tellRedis(current, "CONFIG", "REWRITE");
  await old.start();
  await tellRedis(old, "REPLICAOF", "127.0.0.1", current.port);
  const [watcher] = sentinel.sentinels;
  if (watcher === undefined) throw new Error("there is no sentinel");
  const isSeen = async () => {
    const replicas = String(await tellRedis(watcher, "SENTINEL", "REPLICAS", sentinel.masterName));
    return replicas.includes("flags,slave,") && replicas.includes("master-link-status,ok");
  };
  await untilTrue("Sentinel sees the replica in step", isSeen, { limitMs: 30_000, everyMs: 100 });
}
