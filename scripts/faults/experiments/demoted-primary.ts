import { combine, experiment, provenByUse, unless } from "../harness/experiment.ts";
import { createHistory, judge } from "../harness/history.ts";
import { startLoad, untilTrue } from "../harness/load.ts";
import { openMariadbPair } from "../harness/mariadb-world.ts";
import { startWorld } from "../harness/world.ts";

export const demotedPrimary = experiment({
  id: "demoted-primary",
  title: "a primary becomes a replica, and one sidecar's address still leads to it",
  passes:
    "there is no stale hit, no session and no fill from the old primary, and the history is linearizable",
  needs: "mariadb",
  small: { switches: 2, demotedMs: 1500, ratePerSecond: 80 },
  full: { switches: 20, demotedMs: 4000, ratePerSecond: 120 },
  async run({ switches, demotedMs, ratePerSecond }, progress) {
    const [sidecars, users] = [2, 8];
    await using pair = await openMariadbPair(sidecars, users);
    await using world = await startWorld({ sidecars, users, database: pair });
    const [left, moved] = world.sidecars;
    if (!left || !moved) throw new Error("two sidecars are needed");
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
    let sessionsIssued = 0;
    let written = 0;
    for (let round = 1; round <= switches; round += 1) {
      await Bun.sleep(demotedMs);
      await pair.switchOver();
      pair.moveAddress(1);
      await untilTrue("the sidecar with the new address writes", async () => {
        const { status } = await history.set(moved, world.site.probeLoginId);
        return status === 204;
      });
      const until = performance.now() + demotedMs;
      while (performance.now() < until) {
        written += (await history.set(moved, world.site.probeLoginId)).status === 204 ? 1 : 0;
        const { status } = await history.session(left, world.site.probeLoginId);
        if (status === 503) sessionsRefused += 1;
        else sessionsIssued += 1;
        await Bun.sleep(20);
      }
      pair.moveAddress(0);
      await untilTrue("the other sidecar reaches the primary", async () => {
        const { status } = await history.session(left, world.site.probeLoginId);
        return status === 200;
      });
      progress(`${round} of ${switches} switches`);
    }
    await load.stop();
    const verdict = await judge(world, history);
    const figures = {
      switches,
      "sets written meanwhile": written,
      "sessions refused at the old primary": sessionsRefused,
      "sessions issued from the old primary": sessionsIssued,
    };
    const failures = unless({
      "nothing was written while one sidecar used the old primary": written > 0,
      "no session was requested at the old primary": sessionsRefused > 0,
      [`${sessionsIssued} sessions were issued from the old primary`]: sessionsIssued === 0,
    });
    return combine({ figures, failures }, verdict, provenByUse(verdict));
  },
});
