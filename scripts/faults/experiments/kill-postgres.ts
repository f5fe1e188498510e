import { combine, experiment, rounded, unless } from "../harness/experiment.ts";
import { createHistory, judge } from "../harness/history.ts";
import { startLoad } from "../harness/load.ts";
import { createRandom } from "../harness/random.ts";
import { startWorld } from "../harness/world.ts";
import { untilSetsSucceed } from "./kill-redis.ts";

/** Delay commits before they are flushed, so that many kills interrupt one. */
const slowCommits = { fsync: "on", commit_delay: "60000", commit_siblings: "0", max_connections: "60" };

export const killPostgres = experiment({
  id: "kill-postgres",
  title: "Postgres is killed with SIGKILL during commits",
  passes:
    "no acknowledged set is lost, no refused set is written, and an unknown outcome is answered with 204 only if the row was read back",
  small: { kills: 2, ratePerSecond: 120 },
  full: { kills: 30, ratePerSecond: 150 },
  async run({ kills, ratePerSecond }, progress) {
    await using world = await startWorld({ sidecars: 2, users: 12, postgresSettings: slowCommits });
    const history = createHistory();
    const random = createRandom(kills);
    await world.untilFilling();
    const load = startLoad(world, {
      history,
      clients: 16,
      ratePerSecond,
      sets: 0.6,
      sessions: 0.05,
      secondsMax: 30 + kills * 20,
    });
    const recoveredMs: number[] = [];
    for (let kill = 0; kill < kills; kill += 1) {
      await Bun.sleep(600 + random() * 1500);
      await world.postgres.kill();
      await Bun.sleep(random() * 300);
      await world.postgres.start();
      recoveredMs.push(await untilSetsSucceed(world, history));
      progress(`${kill + 1} of ${kills} kills, sets succeed after ${Math.round(recoveredMs.at(-1) ?? 0)} ms`);
    }
    await Bun.sleep(800);
    await load.stop();
    const verdict = await judge(world, history);
    const figures = { kills, "ms until sets succeed, worst": rounded(recoveredMs) };
    const failures = unless({
      "no set was in flight at any kill": (verdict.figures["sets with unknown outcome"] ?? 0) > 0,
      "there was no hit": (verdict.figures.hits ?? 0) > 0,
    });
    return combine({ figures, failures }, verdict);
  },
});
