import { combine, experiment, unless } from "../harness/experiment.ts";
import { createHistory, type History, judge } from "../harness/history.ts";
import { untilMarked } from "../harness/redis-admin.ts";
import { type Proxies, startWorld, type World } from "../harness/world.ts";

/**
 * If the machine stalls for a tenth of a second, the deadline stops the UPDATE and the round shows nothing. It is then
 * repeated with another user, at most this often.
 */
const spareRounds = 2;

/**
 * The sequence in milliseconds after the writer's BEGIN, with the shortest times that the configuration accepts. Redis
 * restarts empty. The UPDATE, which was held back until then, waits for a lock. A lookup reads the row. The lock is
 * released and the UPDATE commits; the writer has been killed by then. The reply to the lookup's read arrives only
 * after the grace.
 */
const moments = { updateSent: 3700, lookup: 6300, unlocked: 6800 };
const times = { statementMs: 4000, graceMs: 9001, ttlSeconds: 30, tokenMs: 15_000, quarantineMs: 10_000 };

export const commitInGrace = experiment({
  id: "commit-in-grace",
  title: "a write of the previous epoch commits late in the grace, after a slow lookup has read the row",
  passes: "the lookup's value is not filled after the grace, and everyone reads the committed value",
  small: { rounds: 1 },
  full: { rounds: 3 },
  async run({ rounds }, progress) {
    const history = createHistory();
    await using world = await startWorld({
      sidecars: 3,
      users: rounds + spareRounds,
      proxies: true,
      times,
      settings: { DATABASE_POOL_MAX: "2" },
    });
    let committed = 0;
    for (const loginId of world.site.loginIds) {
      if (committed === rounds) break;
      committed += await race(world, loginId, history);
      progress(`${committed} of ${rounds} late commits`);
    }
    const verdict = await judge(world, history);
    const failures = unless({ "a late commit did not happen": committed === rounds });
    return combine({ figures: { "late commits": committed }, failures }, verdict);
  },
});

async function race(world: World, loginId: string, history: History): Promise<number> {
  const { site } = world;
  const [writer, slow, other] = [world.sidecar(0), world.sidecar(1), world.sidecar(2)];
  const [ofWriter, ofSlow] = [world.proxiesOf(0), world.proxiesOf(1)];
  await history.set(writer, loginId);
  const unlock = await site.lockRow(loginId);
  const writing = history.set(writer, loginId);
  const { beganAt, restartedAt } = await restartRedisAfterBegin(world, loginId, ofWriter);
  const until = (ms: number) => Bun.sleep(Math.max(0, beganAt + ms - performance.now()));

  await until(moments.updateSent);
  ofWriter.postgres.releaseRequests();
  await Bun.sleep(200);
  await writer.kill();
  await until(moments.lookup);
  ofSlow.postgres.holdReplies();
  const lookup = history.get(slow, loginId);
  await until(moments.unlocked);
  await unlock();
  // Wait longer than the grace can last, and less than a lookup may take.
  await Bun.sleep(Math.max(0, restartedAt + times.graceMs + 600 - performance.now()));
  ofSlow.postgres.passThrough();
  await lookup;
  for (let turn = 0; turn < 20; turn += 1) {
    await Promise.all([history.get(slow, loginId), history.get(other, loginId)]);
    await Bun.sleep(20);
  }
  const { value } = await writing;
  await writer.start();
  return (await site.stored(loginId)) === value ? 1 : 0;
}

/** Holds back the writer's UPDATE as soon as its marker is there, and then restarts Redis without its data. */
async function restartRedisAfterBegin({ redis }: World, loginId: string, ofWriter: Proxies) {
  ofWriter.redis.delay(200);
  await untilMarked(redis, loginId);
  const beganAt = performance.now();
  ofWriter.postgres.holdRequests();
  await Bun.sleep(250);
  ofWriter.redis.delay(0);
  await redis.kill();
  await redis.start();
  return { beganAt, restartedAt: performance.now() };
}
