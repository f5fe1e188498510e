import { combine, experiment, type Progress, provenByUse, rounded, unless } from "../harness/experiment.ts";
import { createHistory, type History, judge, type Verdict } from "../harness/history.ts";
import { startLoad, untilTrue } from "../harness/load.ts";
import { createRandom } from "../harness/random.ts";
import { tellRedis } from "../harness/redis-admin.ts";
import { startWorld, type World } from "../harness/world.ts";

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
    const sum = (name: string) => verdicts.reduce((total, { figures }) => total + (figures[name] ?? 0), 0);
    const worst = (name: string) => Math.max(...verdicts.map(({ figures }) => figures[name] ?? 0));
    const names = Object.keys(verdicts[0]?.figures ?? {});
    const figures = names.map((name) => [name, name.includes("worst") ? worst(name) : sum(name)]);
    return { figures: Object.fromEntries(figures), failures: verdicts.flatMap(({ failures }) => failures) };
  },
});

async function killAndReturn(how: Return, parameters: Parameters, progress: Progress): Promise<Verdict> {
  const { killsEach, ratePerSecond, recoveredMsMax } = parameters;
  await using world = await startWorld({ sidecars: 2, users: 8, redisSettings: returns[how] });
  const history = createHistory();
  const random = createRandom(killsEach);
  await world.untilFilling();
  const load = startLoad(world, {
    history,
    clients: 10,
    ratePerSecond,
    sets: 0.15,
    sessions: 0.05,
    secondsMax: 30 + killsEach * 15,
  });
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
  await load.stop();
  const verdict = await judge(world, history);
  return combine(judgeReturns(how, history, { recoveredMs, recoveredMsMax }), verdict, provenByUse(verdict));
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

/** Waits until every sidecar has answered a `set` with 204, and returns how many milliseconds that took. */
export async function untilSetsSucceed({ sidecars, site }: World, history: History): Promise<number> {
  const waits = sidecars.map((sidecar) =>
    untilTrue(
      "a set answers 204",
      async () => (await history.set(sidecar, site.probeLoginId)).status === 204,
    ),
  );
  return Math.max(...(await Promise.all(waits)));
}
