import { combine, experiment, unless } from "../harness/experiment.ts";
import { createHistory, type History, judge } from "../harness/history.ts";
import { startLoad } from "../harness/load.ts";
import { heldValue, tellRedis } from "../harness/redis-admin.ts";
import { startWorld, type World } from "../harness/world.ts";

export const restoredSnapshot = experiment({
  id: "restored-snapshot",
  title: "Redis is restarted under running sidecars with a snapshot that was taken before a set",
  passes: "no lookup returns the old value although Redis holds it",
  small: { rounds: 1 },
  full: { rounds: 20 },
  async run({ rounds }, progress) {
    await using world = await startWorld({ sidecars: 2, users: 10, times: { ttlSeconds: 60 } });
    const history = createHistory();
    let oldHashes = 0;
    for (let round = 1; round <= rounds; round += 1) {
      await world.untilFilling();
      oldHashes += await restoreOld(world, history);
      const load = { history, clients: 8, ratePerSecond: 150, sets: 0, sessions: 0.1 };
      await startLoad(world, { ...load, secondsMax: 0.5 + world.times.graceMs / 1000 }).done;
      progress(`${round} of ${rounds}, ${oldHashes} old hashes so far`);
    }
    await world.untilFilling();
    const verdict = await judge(world, history);
    const failures = unless({
      "the snapshot contained no old value": oldHashes >= rounds,
      "there was no hit": (verdict.figures.hits ?? 0) > 0,
    });
    return combine({ figures: { rounds, "old values restored": oldHashes }, failures }, verdict);
  },
});

/**
 * Fills every hash, takes a snapshot, overwrites all values, and restores the snapshot. Returns how many old values
 * were restored.
 */
async function restoreOld({ sidecar, site, redis }: World, history: History): Promise<number> {
  const [first, second] = [sidecar(0), sidecar(1)];
  for (const loginId of site.loginIds) await history.set(first, loginId);
  for (const loginId of site.loginIds) await history.get(second, loginId);
  await tellRedis(redis, "SAVE");
  const current = new Map<string, string>();
  for (const loginId of site.loginIds) current.set(loginId, (await history.set(second, loginId)).value);
  for (const loginId of site.loginIds) await history.get(first, loginId);
  await redis.kill();
  await redis.start();
  const held = await Promise.all(site.loginIds.map((loginId) => heldValue(redis, loginId)));
  return held.filter((value, number) => value !== null && value !== current.get(site.loginIds[number] ?? ""))
    .length;
}
