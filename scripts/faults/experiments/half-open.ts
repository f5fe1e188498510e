import type { Kind } from "../harness/client.ts";
import { combine, combineRounds, experiment, type Progress, rounded, unless } from "../harness/experiment.ts";
import { createHistory, type History, judge, type Verdict } from "../harness/history.ts";
import { untilSetsSucceed } from "../harness/load.ts";
import { startWorld, type World } from "../harness/world.ts";

interface Parameters {
  readonly rounds: number;
  readonly seconds: number;
  readonly slackMs: number;
  readonly reconnectedMsMax: number;
}

const redisMs = 500;

/**
 * The deadline of each kind of request. While Redis is silent, a command first waits for the pipeline before it and
 * then for its own answer. A lookup sends its claim and its read together, whereas a set sends its claim and BEGIN one
 * after the other. While the database is silent, a request waits for one read, and a lookup may also have to wait for
 * an earlier read that is in flight.
 */
const deadlines = {
  redis: () => ({ get: 2 * redisMs, session: 2 * redisMs, set: 4 * redisMs }),
  postgres: (statementMs: number) => ({ get: 2 * statementMs, session: statementMs, set: statementMs }),
} as const satisfies Record<string, (statementMs: number) => Record<Kind, number>>;

export const halfOpen = experiment<Parameters>({
  id: "half-open",
  title:
    "half-open connections: what is sent to Redis, and later to Postgres, is lost, and these connections stay silent",
  passes:
    "each request ends within its deadline + 200 ms, and new connections replace the silent ones within 3 s",
  small: { rounds: 1, seconds: 1.2, slackMs: 1500, reconnectedMsMax: 10_000 },
  full: { rounds: 5, seconds: 10, slackMs: 200, reconnectedMsMax: 3000 },
  async run(parameters, progress) {
    await using world = await startWorld({
      sidecars: 1,
      users: 6,
      proxies: true,
      times: { statementMs: 800, graceMs: 2700, quarantineMs: 4000 },
    });
    const history = createHistory();
    await world.untilFilling();
    await untilSetsSucceed(world, history);
    const verdicts: Verdict[] = [];
    for (let round = 1; round <= parameters.rounds; round += 1) {
      for (const side of ["redis", "postgres"] as const)
        verdicts.push(await makeSilent(world, side, history, parameters, progress));
    }
    return combine(combineRounds(verdicts), await judge(world, history));
  },
});

async function makeSilent(
  world: World,
  side: keyof typeof deadlines,
  history: History,
  { seconds, slackMs, reconnectedMsMax }: Parameters,
  progress: Progress,
): Promise<Verdict> {
  const proxy = world.proxiesOf(0)[side];
  const before = history.replies.length;
  proxy.blackHole();
  await askSteadily(world, history, seconds);
  const limits = deadlines[side](world.times.statementMs);
  const late = (kind: Kind) => {
    const own = history.replies.slice(before).filter((reply) => reply.kind === kind);
    return rounded(own.map(({ invokedAt, returnedAt }) => returnedAt - invokedAt - limits[kind]));
  };
  const worstMs = Math.max(late("get"), late("set"), late("session"));
  // Everything that was sent so far is lost, so the old connections of the sidecar never receive an answer.
  proxy.passThrough();
  const reconnectedMs = await untilSetsSucceed(world, history).catch(() => Number.POSITIVE_INFINITY);
  if (reconnectedMs === Number.POSITIVE_INFINITY) {
    proxy.cut();
    await untilSetsSucceed(world, history);
  }
  progress(
    `${side} silent: ${worstMs} ms past the deadline, reconnected after ${Math.round(reconnectedMs)} ms`,
  );
  return {
    figures: {
      [`${side}: ms past the deadline, worst`]: worstMs,
      [`${side}: ms until reconnected, worst`]: Math.round(Math.min(reconnectedMs, 1e6)),
    },
    failures: unless({
      [`${side} silent: a request ended more than ${slackMs} ms after its deadline`]: worstMs <= slackMs,
      [`${side} silent: no new connections within ${reconnectedMsMax} ms`]: reconnectedMs < reconnectedMsMax,
    }),
  };
}

/** Sends one request of each kind every 50 ms, whether or not the earlier ones have been answered. */
async function askSteadily(world: World, history: History, seconds: number): Promise<void> {
  const [sidecar, { loginIds }] = [world.sidecar(0), world.site];
  const inFlight: Promise<unknown>[] = [];
  for (let turn = 0; turn < seconds * 20; turn += 1) {
    const loginId = loginIds[turn % loginIds.length] ?? "";
    inFlight.push(
      history.get(sidecar, loginId),
      history.set(sidecar, loginId),
      history.session(sidecar, loginId),
    );
    await Bun.sleep(50);
  }
  await Promise.all(inFlight);
}
