import {
  combineRounds,
  experiment,
  type Progress,
  provenByUse,
  rounded,
  unless,
} from "../harness/experiment.ts";
import type { History, Verdict } from "../harness/history.ts";
import { untilSetsSucceed } from "../harness/load.ts";
import { createRandom } from "../harness/random.ts";
import { tellRedis } from "../harness/redis-admin.ts";
import { judgeUnderLoad } from "../harness/under-load.ts";
import { startWorld } from "../harness/world.ts";

interface Parameters {
  readonly ways: readonly Return[];
  readonly killsEach: number;
  readonly ratePerSecond: number;
  readonly recoveredMsMax: number;
}

/** Settings of Redis, by the data that it has after the restart. */
const returns = {
  empty: { appendonly: "no" },
  "with an RDB snapshot": { appendonly: "no" },
  "with an AOF": { appendonly: "yes", appendfsync: "everysec" },
} as const;

type Return = keyof typeof returns;

export const killRedis = experiment<Parameters>({
  id: "kill-redis",
  title: "Redis is killed with SIGKILL and returns empty, with a snapshot, or with an AOF",
  passes:
    "there are 0 stale hits, every get is answered, and sets are answered with 204 within 3 s without restarting a sidecar",
  small: { ways: ["empty", "with an AOF"], killsEach: 1, ratePerSecond: 100, recoveredMsMax: 10_000 },
  full: {
    ways: ["empty", "with an RDB snapshot", "with an AOF"],
    killsEach: 17,
    ratePerSecond: 150,
    recoveredMsMax: 3000,
  },
  async run(parameters, progress) {
    const verdicts: Verdict[] = [];
    for (const how of parameters.ways) verdicts.push(await killAndReturn(how, parameters, progress));
    return combineRounds(verdicts);
  },
});

async function killAndReturn(how: Return, parameters: Parameters, progress: Progress): Promise<Verdict> {
  const { killsEach, ratePerSecond, recoveredMsMax } = parameters;
  await using world = await startWorld({ sidecars: 2, users: 8, redisSettings: returns[how] });
  const random = createRandom(killsEach);
  const load = { clients: 10, ratePerSecond, sets: 0.15, sessions: 0.05 };
  const verdict = await judgeUnderLoad(world, load, async (history, { stop }) => {
    const recoveredMs: number[] = [];
    for (let kill = 1; kill <= killsEach; kill += 1) {
      await Bun.sleep(world.times.graceMs * (0.5 + random()));
      if (how === "with an RDB snapshot") await tellRedis(world.redis, "SAVE");
      await Bun.sleep(400);
      await world.redis.kill();
      await Bun.sleep(random() * 500);
      await world.redis.start();
      recoveredMs.push(await untilSetsSucceed(world, history));
      progress(`${kill} of ${killsEach} ${how}, sets succeed after ${rounded(recoveredMs.slice(-1))} ms`);
    }
    await Bun.sleep(world.times.graceMs + 800);
    await stop();
    return judgeReturns(how, history, { recoveredMs, recoveredMsMax });
  });
  return provenByUse(verdict);
}

function judgeReturns(
  how: Return,
  { replies }: History,
  {
    recoveredMs,
    recoveredMsMax,
  }: { readonly recoveredMs: readonly number[]; readonly recoveredMsMax: number },
): Verdict {
  const unanswered = replies.filter(({ kind, status }) => kind === "get" && (status >= 500 || status === 0));
  const [first] = unanswered;
  return {
    figures: {
      kills: recoveredMs.length,
      "ms until sets succeed, worst": rounded(recoveredMs),
      "gets unanswered": unanswered.length,
    },
    failures: unless({
      [`${how}: sets took ${recoveredMsMax} ms or more to succeed again`]:
        rounded(recoveredMs) < recoveredMsMax,
      [`${how}: ${unanswered.length} gets were not answered: ${first?.status} ${first?.code}`]:
        first === undefined,
    }),
  };
}
