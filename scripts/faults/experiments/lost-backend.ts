import type { Fate } from "../../servers/error-proxy.ts";
import { experiment, failUnless, provenByUse } from "../harness/experiment.ts";
import { openMariadbBehindProxies } from "../harness/mariadb-behind-proxies.ts";
import { judgeUnderLoad } from "../harness/under-load.ts";
import { startWorld } from "../harness/world.ts";

/** Error numbers of a MySQL client, MaxScale, Vitess and ProxySQL. */
const errorNumbers = [2013, 2006, 2003, 1105, 9001];
const fates: readonly Fate[] = ["dropped", "done", "done later"];

export const lostBackend = experiment({
  id: "lost-backend",
  title: "a database proxy loses its server during UPDATEs and reports that with error packets",
  passes: "unknown outcomes are reported as unknown, there is no stale hit, and the history is linearizable",
  needs: "mariadb",
  small: { losses: 15, everyMs: 300, ratePerSecond: 80 },
  full: { losses: 300, everyMs: 300, ratePerSecond: 120 },
  async run({ losses, everyMs, ratePerSecond }, progress) {
    const [sidecars, users] = [2, 12];
    await using database = await openMariadbBehindProxies(sidecars, users);
    await using world = await startWorld({ sidecars, users, database });
    const { proxies } = database;
    const lost = () => proxies.reduce((sum, proxy) => sum + proxy.lost(), 0);
    const load = { clients: 12, ratePerSecond, sets: 0.2, sessions: 0.05 };
    const verdict = await judgeUnderLoad(world, load, async (_history, { stop }) => {
      for (let number = 0; number < losses; number += 1) {
        const errorNumber = errorNumbers[number % errorNumbers.length] ?? 2013;
        const fate = fates[number % fates.length] ?? "done";
        // Before the deadline of the write, but long after readers have read the row again.
        const laterMs = world.times.statementMs / 3;
        proxies[number % proxies.length]?.loseNextUpdate(errorNumber, fate, laterMs);
        await Bun.sleep(everyMs);
        if (number % 50 === 49) progress(`${number + 1} of ${losses} servers lost`);
      }
      await stop();
      // The markers lapse in this time, so that lookups are hits again.
      await Bun.sleep(world.times.quarantineMs);
      return { figures: { "UPDATEs lost": lost() }, failures: [] };
    });
    return failUnless(provenByUse(verdict), {
      [`only ${lost()} of ${losses} UPDATEs were lost`]: lost() >= losses * 0.8,
      "no outcome was reported as unknown": (verdict.figures["sets with unknown outcome"] ?? 0) > 0,
    });
  },
});
