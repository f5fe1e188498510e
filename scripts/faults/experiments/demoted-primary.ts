import { combine, experiment, provenByUse, unless } from "../harness/experiment.ts";
import { createHistory, judge } from "../harness/history.ts";
import { startLoad, untilTrue } from "../harness/load.ts";
import { type MariadbPair, openMariadbPair } from "../harness/mariadb-world.ts";
import { startWorld } from "../harness/world.ts";

export const demotedPrimary = experiment({
  id: "28",
  title: "a primary is made a replica, and one sidecar's address goes on leading to it",
  passes: "no stale hit, no session and no fill from the old primary; the history is linearizable",
  needs: "mariadb",
  small: { switches: 2, demotedMs: 1500, ratePerSecond: 80 },
  full: { switches: 20, demotedMs: 4000, ratePerSecond: 120 },
  async run({ switches, demotedMs, ratePerSecond }, progress) {
    const opened: MariadbPair[] = [];
    await using world = await startWorld({
      sidecars: 2,
      users: 8,
      openDatabase: async () => {
        const pair = await openMariadbPair(2, 8);
        opened.push(pair);
        return pair;
      },
    });
    const [pair] = opened;
    const [left, moved] = world.sidecars;
    if (!pair || !left || !moved) throw new Error("two sidecars and two servers are needed");
    const history = createHistory();
    await world.untilFilling();
    const load = startLoad(world, {
      history,
      clients: 10,
      ratePerSecond,
      sets: 0.15,
      sessions: 0.1,
      secondsMax: 60 + switches * 30,
    });
    let sessionsRefused = 0;
    let sessionsGiven = 0;
    let written = 0;
    for (let round = 1; round <= switches; round += 1) {
      await Bun.sleep(demotedMs);
      await pair.switchOver();
      pair.moveAddress(1);
      await untilTrue("the sidecar that has moved writes", async () => {
        const { status } = await history.set(moved, world.site.probeLoginId);
        return status === 204;
      });
      const until = performance.now() + demotedMs;
      while (performance.now() < until) {
        written += (await history.set(moved, world.site.probeLoginId)).status === 204 ? 1 : 0;
        const { status } = await history.session(left, world.site.probeLoginId);
        if (status === 503) sessionsRefused += 1;
        else sessionsGiven += 1;
        await Bun.sleep(20);
      }
      pair.moveAddress(0);
      await untilTrue("the other sidecar has found the primary", async () => {
        const { status } = await history.session(left, world.site.probeLoginId);
        return status === 200;
      });
      progress(`${round} of ${switches} switches`);
    }
    await load.stop();
    const verdict = await judge(world, history);
    const figures = {
      switches,
      "sets while demoted": written,
      "sessions refused by the demoted": sessionsRefused,
      "sessions given by the demoted": sessionsGiven,
    };
    const failures = unless({
      "nothing was written while the old primary was asked": written > 0,
      "no session was asked of the old primary": sessionsRefused > 0,
      [`${sessionsGiven} sessions were given from the old primary`]: sessionsGiven === 0,
    });
    return combine({ figures, failures }, verdict, provenByUse(verdict));
  },
});
