import type { Reply } from "../harness/client.ts";
import { combine, experiment, rounded, unless } from "../harness/experiment.ts";
import { createHistory, type History, judge, type Verdict } from "../harness/history.ts";
import { startLoad, untilTrue } from "../harness/load.ts";
import type { Sidecar } from "../harness/sidecar.ts";
import { startWorld, type World } from "../harness/world.ts";

export const databaseDown = experiment({
  id: "5",
  title: "the database is gone, then frozen",
  passes:
    "hits are served; misses and sets answer 503 with Retry-After within D + 0.5 s; no crash; back to normal < 2 s",
  small: { seconds: 2, ratePerSecond: 80, slackMs: 2500, backMsMax: 10_000 },
  full: { seconds: 60, ratePerSecond: 100, slackMs: 500, backMsMax: 2000 },
  async run({ seconds, ratePerSecond, slackMs, backMsMax }, progress) {
    await using world = await startWorld({
      sidecars: 1,
      users: 12,
      times: { ttlSeconds: 600, statementMs: 500, graceMs: 2100 },
      postgresSettings: { max_connections: "60" },
    });
    const history = createHistory();
    const { postgres } = world;
    await world.untilFilling();
    const warm = await warmHalf(world, history);
    const outages = [
      { name: "gone", begin: () => postgres.stop(), end: () => postgres.start() },
      { name: "frozen", begin: () => postgres.freeze(), end: () => postgres.thaw() },
    ];
    const backMs: number[] = [];
    const during: During = { warm: createHistory(), cold: createHistory() };
    for (const { name, begin, end } of outages) {
      await begin();
      progress(`the database is ${name}`);
      await loadBoth(world, warm, during, { secondsMax: seconds, ratePerSecond: ratePerSecond / 2 });
      await end();
      backMs.push(await untilNormal(world, history));
    }
    return combine(
      judgeOutage(during, backMs, { refusalMs: world.times.statementMs + slackMs, backMs: backMsMax }),
      await judge(world, history),
    );
  },
});

/** Makes hits of the first half of the users; the others stay without data, which is never stored. */
async function warmHalf({ sidecars: [sidecar], site }: World, history: History): Promise<string[]> {
  const warm = site.loginIds.slice(0, site.loginIds.length / 2);
  if (sidecar !== undefined) for (const loginId of warm) await history.set(sidecar, loginId);
  return warm;
}

/** Asked during the outages: users with a hit for their data, the others for everything. */
interface During {
  readonly warm: History;
  readonly cold: History;
}

async function loadBoth(
  world: World,
  warm: readonly string[],
  during: During,
  load: { readonly secondsMax: number; readonly ratePerSecond: number },
): Promise<void> {
  const cold = world.site.loginIds.slice(warm.length);
  const both = { ...load, clients: 30 };
  await Promise.all([
    startLoad(world, { ...both, history: during.warm, loginIds: warm, sets: 0 }).done,
    startLoad(world, { ...both, history: during.cold, loginIds: cold, sets: 0.3, sessions: 0.2 }).done,
  ]);
}

async function untilNormal({ sidecars, site }: World, history: History): Promise<number> {
  const isNormal = async (sidecar: Sidecar) =>
    (await history.set(sidecar, site.probeLoginId)).status === 204 &&
    (await history.session(sidecar, site.probeLoginId)).status === 200;
  return untilTrue("a set and a session are answered", async () =>
    (await Promise.all(sidecars.map(isNormal))).every(Boolean),
  );
}

function judgeOutage(
  { warm, cold }: During,
  backMs: readonly number[],
  limits: { readonly refusalMs: number; readonly backMs: number },
): Verdict {
  const took = ({ invokedAt, returnedAt }: Reply) => returnedAt - invokedAt;
  const isRefusal = ({ status, retryAfter }: Reply) =>
    (status === 503 || status === 429) && retryAfter !== null;
  const notServed = warm.replies.find(({ status }) => status !== 200);
  const notRefused = cold.replies.find((reply) => !isRefusal(reply));
  const worstMs = rounded(cold.replies.map(took));
  return {
    figures: {
      "hits during": warm.replies.length,
      "refused during": cold.replies.length,
      "refusal ms, worst": worstMs,
      "normal again ms, worst": rounded(backMs),
    },
    failures: unless({
      [`a hit was not served: ${notServed?.status} ${notServed?.code}`]: notServed === undefined,
      [`${notRefused?.kind} without the database answered ${notRefused?.status} ${notRefused?.code}`]:
        notRefused === undefined,
      [`a refusal took ${worstMs} ms, more than ${limits.refusalMs}`]: worstMs <= limits.refusalMs,
      [`normal again only after ${limits.backMs} ms or more`]: rounded(backMs) < limits.backMs,
    }),
  };
}
