import { combine, experiment, unless } from "../harness/experiment.ts";
import { createHistory, type History, judge } from "../harness/history.ts";
import { percentile, startLoad } from "../harness/load.ts";
import { startWorld } from "../harness/world.ts";

export const redisDown = experiment({
  id: "redis-down",
  title: "Redis is down: lookups and sessions are compared with those of a sidecar without Redis",
  passes:
    "the p99 of get and session (the median in the small size) is less than twice that of a sidecar without Redis at the same time, no get is answered with 5xx, and sets are answered with 503",
  // While other tests run, the slowest of 60 sessions can be slow for many reasons. The median is affected by Redis
  // only.
  small: { seconds: 3, ratePerSecond: 60, share: 0.5, graceMs: 20 },
  full: { seconds: 60, ratePerSecond: 100, share: 0.99, graceMs: 0 },
  async run({ seconds, ratePerSecond, share, graceMs }) {
    await using world = await startWorld({
      sidecars: 2,
      users: 20,
      settingsOf: (number) => (number === 1 ? { REDIS_URL: "" } : {}),
    });
    const [withRedis, without] = [world.sidecar(0), world.sidecar(1)];
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
    const name = `p${share * 100}`;
    const [get, session] = [slowness("get", share), slowness("session", share)];
    const figures = {
      [`get ${name} ms`]: round(get(history)),
      [`get ${name} ms without Redis`]: round(get(baseline)),
      [`session ${name} ms`]: round(session(history)),
      [`session ${name} ms without Redis`]: round(session(baseline)),
      "gets failed": failing.length,
    };
    const failures = unless({
      [`get ${name} is not below twice the baseline`]: get(history) < 2 * get(baseline) + graceMs,
      [`session ${name} is not below twice the baseline`]: session(history) < 2 * session(baseline) + graceMs,
      "a get failed": failing.length === 0,
      "a set was not refused with 503": sets.every(({ status }) => status === 503),
    });
    return combine({ figures, failures }, await judge(world, history));
  },
});

/**
 * Returns a function that computes the latency in milliseconds below which this share of the requests of one kind lies.
 */
function slowness(wanted: "get" | "session", share: number) {
  return ({ replies }: History): number => {
    const own = replies.filter(({ kind }) => kind === wanted);
    return percentile(
      own.map(({ invokedAt, returnedAt }) => returnedAt - invokedAt),
      share,
    );
  };
}

const round = (ms: number) => Math.round(ms * 10) / 10;
