import type { FaultProxy } from "../../servers/fault-proxy.ts";
import type { Kind } from "../harness/client.ts";
import { combine, experiment, type Progress, rounded, unless } from "../harness/experiment.ts";
import { createHistory, type History, judge, type Verdict } from "../harness/history.ts";
import { startWorld, type World } from "../harness/world.ts";
import { untilSetsAreTaken } from "./kill-redis.ts";

interface Parameters {
  readonly rounds: number;
  readonly seconds: number;
  readonly slackMs: number;
  readonly healedMsMax: number;
}

const redisMs = 500;

/**
 * What each request may take. While Redis is deaf, a command waits for the pipeline before it, and then for its own
 * answer; a lookup's claim and read do so together, a set's claim and BEGIN one after the other. While the
 * database is, one read of it; and a lookup perhaps waits for one that was under way before.
 */
const deadlines = {
  redis: () => ({ get: 2 * redisMs, session: 2 * redisMs, set: 4 * redisMs }),
  postgres: (statementMs: number) => ({ get: 2 * statementMs, session: statementMs, set: statementMs }),
} as const satisfies Record<string, (statementMs: number) => Record<Kind, number>>;

export const halfOpen = experiment<Parameters>({
  id: "8",
  title:
    "half-open connections: bytes to Redis, then to Postgres, vanish; those connections stay deaf for good",
  passes:
    "each request ends within its deadline + 200 ms, and new connections replace the deaf ones within 3 s",
  small: { rounds: 1, seconds: 1.2, slackMs: 1500, healedMsMax: 10_000 },
  full: { rounds: 5, seconds: 10, slackMs: 200, healedMsMax: 3000 },
  async run(parameters, progress) {
    await using world = await startWorld({
      sidecars: 1,
      users: 6,
      proxies: true,
      times: { statementMs: 800, graceMs: 2700, quarantineMs: 4000 },
    });
    const history = createHistory();
    await world.untilFilling();
    await untilSetsAreTaken(world, history);
    const verdicts: Verdict[] = [];
    for (let round = 1; round <= parameters.rounds; round += 1) {
      for (const side of ["redis", "postgres"] as const)
        verdicts.push(await goDeaf(world, side, history, parameters, progress));
    }
    const worst = (name: string) => Math.max(0, ...verdicts.map(({ figures }) => figures[name] ?? 0));
    const names = [...new Set(verdicts.flatMap(({ figures }) => Object.keys(figures)))];
    return combine(
      { figures: Object.fromEntries(names.map((name) => [name, worst(name)])), failures: [] },
      { figures: {}, failures: [...new Set(verdicts.flatMap(({ failures }) => failures))] },
      await judge(world, history),
    );
  },
});

async function goDeaf(
  world: World,
  side: keyof typeof deadlines,
  history: History,
  { seconds, slackMs, healedMsMax }: Parameters,
  progress: Progress,
): Promise<Verdict> {
  const proxy = proxyOf(world, side);
  const before = history.replies.length;
  proxy.blackHole();
  await askSteadily(world, history, seconds);
  const limits = deadlines[side](world.times.statementMs);
  const late = (kind: Kind) => {
    const own = history.replies.slice(before).filter((reply) => reply.kind === kind);
    return rounded(own.map(({ invokedAt, returnedAt }) => returnedAt - invokedAt - limits[kind]));
  };
  const worstMs = Math.max(late("get"), late("set"), late("session"));
  // What was sent into the hole is lost: to the sidecar its old connections answer nothing, ever.
  proxy.passThrough();
  const healedMs = await untilSetsAreTaken(world, history).catch(() => Number.POSITIVE_INFINITY);
  if (healedMs === Number.POSITIVE_INFINITY) {
    proxy.cut();
    await untilSetsAreTaken(world, history);
  }
  progress(`${side} deaf: ${worstMs} ms over the deadline, healed after ${Math.round(healedMs)} ms`);
  return {
    figures: {
      [`${side}: ms over the deadline, worst`]: worstMs,
      [`${side}: healed ms, worst`]: Math.round(Math.min(healedMs, 1e6)),
    },
    failures: unless({
      [`${side} deaf: a request ended more than ${slackMs} ms after its deadline`]: worstMs <= slackMs,
      [`${side} deaf: the pool did not heal within ${healedMsMax} ms`]: healedMs < healedMsMax,
    }),
  };
}

function proxyOf({ proxies: [own] }: World, side: keyof typeof deadlines): FaultProxy {
  if (own === undefined) throw new Error("this world has no proxies");
  return own[side];
}

/** One of each kind every 50 ms, whether or not the earlier ones are answered. */
async function askSteadily({ sidecars, site }: World, history: History, seconds: number): Promise<void> {
  const [sidecar] = sidecars;
  if (sidecar === undefined) return;
  const under: Promise<unknown>[] = [];
  for (let turn = 0; turn < seconds * 20; turn += 1) {
    const loginId = site.loginIds[turn % site.loginIds.length] ?? "";
    under.push(
      history.get(sidecar, loginId),
      history.set(sidecar, loginId),
      history.session(sidecar, loginId),
    );
    await Bun.sleep(50);
  }
  await Promise.all(under);
}
