import { experiment, failUnless, rounded } from "../harness/experiment.ts";
import { untilSetsSucceed } from "../harness/load.ts";
import { createRandom } from "../harness/random.ts";
import { judgeUnderLoad } from "../harness/under-load.ts";
import { startWorld } from "../harness/world.ts";

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
    const random = createRandom(kills);
    const load = { clients: 16, ratePerSecond, sets: 0.6, sessions: 0.05 };
    const verdict = await judgeUnderLoad(world, load, async (history) => {
      const recoveredMs: number[] = [];
      for (let kill = 1; kill <= kills; kill += 1) {
        await Bun.sleep(600 + random() * 1500);
        await world.postgres.kill();
        await Bun.sleep(random() * 300);
        await world.postgres.start();
        recoveredMs.push(await untilSetsSucceed(world, history));
        progress(`${kill} of ${kills} kills, sets succeed after ${rounded(recoveredMs.slice(-1))} ms`);
      }
      await Bun.sleep(800);
      return { figures: { kills, "ms until sets succeed, worst": rounded(recoveredMs) }, failures: [] };
    });
    return failUnless(verdict, {
      "no set was in flight at any kill": (verdict.figures["sets with unknown outcome"] ?? 0) > 0,
      "there was no hit": (verdict.figures.hits ?? 0) > 0,
    });
  },
});
