import { combine, experiment, unless } from "../harness/experiment.ts";
import { createHistory, type History, judge } from "../harness/history.ts";
import { untilTrue } from "../harness/load.ts";
import { tellRedis, userKey } from "../harness/redis-admin.ts";
import { type Proxies, startWorld, type World } from "../harness/world.ts";

/** A stall of a tenth of a second lets the fence refuse the UPDATE: then nothing is shown, and it is tried again. */
const spareRounds = 2;

/**
 * The tightest constants that the configuration takes. From the writer's BEGIN, in milliseconds: Redis restarts
 * empty; the UPDATE, held until then, waits for a lock; a lookup reads the row; the lock is let go and the UPDATE
 * commits; the writer is dead; and only after the grace does the lookup's reply arrive.
 */
const moments = { updateSent: 3700, lookup: 6300, unlocked: 6800 };
const times = { statementMs: 4000, graceMs: 9001, ttlSeconds: 30, tokenMs: 15_000, quarantineMs: 10_000 };

export const commitInGrace = experiment({
  id: "grace",
  title: "a write of the last epoch commits late in the grace, after a slow lookup has read the row",
  passes: "the lookup's value does not land in Redis after the grace: everyone reads the committed one",
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
    const failures = unless({ "a late commit did not come about": committed === rounds });
    return combine({ figures: { "late commits": committed }, failures }, verdict);
  },
});

async function race(world: World, loginId: string, history: History): Promise<number> {
  const { sidecars, proxies, site } = world;
  const [writer, slow, other] = sidecars;
  const [ofWriter, ofSlow] = proxies;
  if (!writer || !slow || !other || !ofWriter || !ofSlow) throw new Error("three sidecars are needed");
  await history.set(writer, loginId);
  const unlock = await site.lockRow(loginId);
  const writing = history.set(writer, loginId);
  const { beganAt, metAt } = await restartRedisAfterBegin(world, loginId, ofWriter);
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
  // Longer than the grace can last, shorter than the lookup may take.
  await Bun.sleep(Math.max(0, metAt + times.graceMs + 600 - performance.now()));
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

/** The writer's UPDATE is held as soon as its marker is there; then Redis loses everything. */
async function restartRedisAfterBegin({ redis }: World, loginId: string, ofWriter: Proxies) {
  ofWriter.redis.delay(200);
  const isMarked = async () => (await tellRedis(redis, "HEXISTS", userKey(loginId), "n")) === 1;
  await untilTrue("the writer's marker is there", isMarked, { everyMs: 5 });
  const beganAt = performance.now();
  ofWriter.postgres.holdRequests();
  await Bun.sleep(250);
  ofWriter.redis.delay(0);
  await redis.kill();
  await redis.start();
  return { beganAt, metAt: performance.now() };
}
