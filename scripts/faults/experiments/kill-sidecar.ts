import { experiment, provenByUse, rounded, unless } from "../harness/experiment.ts";
import { percentile } from "../harness/load.ts";
import { judgeUnderLoad } from "../harness/under-load.ts";
import { startWorld } from "../harness/world.ts";

export const killSidecar = experiment({
  id: "kill-sidecar",
  title: "a sidecar is killed with SIGKILL under mixed load",
  passes:
    "no acknowledged set is lost, there is no stale hit, the history is linearizable, and each start takes less than 2 s",
  small: { kills: 4, betweenMs: 700, ratePerSecond: 120, readyMsMax: 6000 },
  full: { kills: 200, betweenMs: 800, ratePerSecond: 200, readyMsMax: 2000 },
  async run({ kills, betweenMs, ratePerSecond, readyMsMax }, progress) {
    await using world = await startWorld({ sidecars: 2, users: 8, settings: { AUDIT_SHARE: "0.05" } });
    const load = { clients: 12, ratePerSecond, sets: 0.2, sessions: 0.05 };
    const verdict = await judgeUnderLoad(world, load, async () => {
      const readyMs: number[] = [];
      for (let kill = 0; kill < kills; kill += 1) {
        await Bun.sleep(betweenMs);
        const victim = world.sidecar(kill % world.sidecars.length);
        await victim.kill();
        readyMs.push(await victim.start());
        progress(`${kill + 1} of ${kills} kills, ready after ${Math.round(readyMs.at(-1) ?? 0)} ms`);
      }
      await Bun.sleep(betweenMs);
      const median = Math.round(percentile(readyMs, 0.5));
      return {
        figures: { kills, "ms until ready, median": median, "ms until ready, worst": rounded(readyMs) },
        failures: unless({ [`a start took ${readyMsMax} ms or more`]: rounded(readyMs) < readyMsMax }),
      };
    });
    return provenByUse(verdict);
  },
});
