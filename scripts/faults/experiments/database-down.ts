import type { Reply } from "../harness/client.ts";
import { combine, experiment, rounded, unless } from "../harness/experiment.ts";
import { createHistory, type History, judge, type Verdict } from "../harness/history.ts";
import { startLoad, untilTrue } from "../harness/load.ts";
import type { Sidecar } from "../harness/sidecar.ts";
import { startWorld, type World } from "../harness/world.ts";

export const databaseDown = experiment({
  id: "database-down",
  title: "the database stops, and later freezes",
  passes:
    "hits are served, misses and sets are answered with 503 and Retry-After within COHERENCE_STATEMENT_MS + 0.5 s, no sidecar crashes, and everything is back to normal in less than 2 s",
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
      { name: "stopped", begin: () => postgres.stop(), end: () => postgres.start() },
      { name: "frozen", begin: () => postgres.freeze(), end: () => postgres.thaw() },
    ];
    const backMs: number[] = [];
    const during: During = { warm: createHistory(), cold: createHistory() };
    for (const { name, begin, end } of outages) {
      await begin();
      progress(`the database has ${name}`);
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

/** Fills the hashes of the first half of the users. The others have no data, so nothing is filled for them. */
async function warmHalf({ sidecar, site }: World, history: History): Promise<string[]> {
  const warm = site.loginIds.slice(0, site.loginIds.length / 2);
  for (const loginId of warm) await history.set(sidecar(0), loginId);
  return warm;
}

/** Requests during the outages: lookups of users with a hash, and all kinds of requests for the others. */
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
      "hits during an outage": warm.replies.length,
      "requests refused during an outage": cold.replies.length,
      "ms until a refusal, worst": worstMs,
      "ms until back to normal, worst": rounded(backMs),
    },
    failures: unless({
      [`a hit was not served: ${notServed?.status} ${notServed?.code}`]: notServed === undefined,
      [`${notRefused?.kind} without the database answered ${notRefused?.status} ${notRefused?.code}`]:
        notRefused === undefined,
      [`a refusal took ${worstMs} ms, more than ${limits.refusalMs}`]: worstMs <= limits.refusalMs,
      [`it took ${limits.backMs} ms or more until everything was normal`]: rounded(backMs) < limits.backMs,
    }),
  };
}
