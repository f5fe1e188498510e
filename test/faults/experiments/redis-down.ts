import { combine, experiment, unless } from "../harness/experiment.ts";
import { createHistory, type History, judge } from "../harness/history.ts";
import { percentile, startLoad } from "../harness/load.ts";
import { startWorld } from "../harness/world.ts";

export const redisDown = experiment({
  id: "6",
  title: "Redis is gone: lookups and sessions against a sidecar that never had one",
  passes: "p99 of get and session < 2x the sidecar without Redis at the same time, 0 5xx on get, set 503",
  small: { seconds: 3, ratePerSecond: 60, graceMsAllowed: 20 },
  full: { seconds: 60, ratePerSecond: 100, graceMsAllowed: 0 },
  async run({ seconds, ratePerSecond, graceMsAllowed }) {
    await using world = await startWorld({
      sidecars: 2,
      users: 20,
      settingsOf: (number) => (number === 1 ? { REDIS_URL: "" } : {}),
    });
    const [withRedis, without] = world.sidecars;
    if (withRedis === undefined || without === undefined) throw new Error("two sidecars are needed");
    await world.redis.kill();
    await Bun.sleep(500);
    const [history, baseline] = [createHistory(), createHistory()];
    const load = { clients: 8, ratePerSecond, sets: 0, sessions: 0.3, secondsMax: seconds };
    await Promise.all([
      startLoad(world, { ...load, sidecars: [withRedis], history }).done,
      startLoad(world, { ...load, sidecars: [without], history: baseline }).done,
    ]);
    const sets = await Promise.all(world.site.loginIds.map((loginId) => history.set(withRedis, loginId)));
    const failing = history.replies.filter(
      ({ kind, status }) => kind === "get" && (status >= 500 || status === 0),
    );
    const limits = { get: 2 * p99(baseline, "get"), session: 2 * p99(baseline, "session") };
    const figures = {
      "get p99 ms": round(p99(history, "get")),
      "get p99 ms without Redis": round(limits.get / 2),
      "session p99 ms": round(p99(history, "session")),
      "session p99 ms without Redis": round(limits.session / 2),
      "gets failed": failing.length,
    };
    const failures = unless({
      "get p99 is not below twice the baseline": p99(history, "get") < limits.get + graceMsAllowed,
      "session p99 is not below twice the baseline":
        p99(history, "session") < limits.session + graceMsAllowed,
      "a get failed": failing.length === 0,
      "a set was not refused with 503": sets.every(({ status }) => status === 503),
    });
    return combine({ figures, failures }, await judge(world, history));
  },
});

function p99({ replies }: History, wanted: "get" | "session"): number {
  const own = replies.filter(({ kind }) => kind === wanted);
  return percentile(
    own.map(({ invokedAt, returnedAt }) => returnedAt - invokedAt),
    0.99,
  );
}

const round = (ms: number) => Math.round(ms * 10) / 10;
