import { experiment, provenByUse, unless } from "../harness/experiment.ts";
import type { History, Verdict } from "../harness/history.ts";
import { untilTrue } from "../harness/load.ts";
import { openMariadbPair } from "../harness/mariadb-world.ts";
import { judgeUnderLoad } from "../harness/under-load.ts";
import { startWorld, type World } from "../harness/world.ts";

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
    const load = { clients: 10, ratePerSecond, sets: 0.15, sessions: 0.1 };
    const verdict = await judgeUnderLoad(world, load, async (history) => {
      const counts = { written: 0, refused: 0, issued: 0 };
      for (let round = 1; round <= switches; round += 1) {
        await Bun.sleep(demotedMs);
        await pair.switchOver();
        pair.moveAddress(1);
        await askOldPrimary(world, history, demotedMs, counts);
        pair.moveAddress(0);
        await untilSessionIssued(world, history);
        progress(`${round} of ${switches} switches`);
      }
      return judgeCounts(switches, counts);
    });
    return provenByUse(verdict);
  },
});

/** The sets that the second sidecar acknowledged meanwhile, and the sessions that the first one refused and issued. */
type Counts = Record<"written" | "refused" | "issued", number>;

/** While the first sidecar still uses the old primary, sets a user at the second one and asks the first for sessions. */
async function askOldPrimary(
  { sidecar, site: { probeLoginId } }: World,
  history: History,
  forMs: number,
  counts: Counts,
): Promise<void> {
  const [left, moved] = [sidecar(0), sidecar(1)];
  const isWritten = async () => (await history.set(moved, probeLoginId)).status === 204;
  await untilTrue("the sidecar with the new address writes", isWritten);
  const until = performance.now() + forMs;
  while (performance.now() < until) {
    if (await isWritten()) counts.written += 1;
    const { status } = await history.session(left, probeLoginId);
    counts[status === 503 ? "refused" : "issued"] += 1;
    await Bun.sleep(20);
  }
}

async function untilSessionIssued({ sidecar, site }: World, history: History): Promise<void> {
  await untilTrue("the other sidecar reaches the primary", async () => {
    const { status } = await history.session(sidecar(0), site.probeLoginId);
    return status === 200;
  });
}

function judgeCounts(switches: number, { written, refused, issued }: Counts): Verdict {
  return {
    figures: {
      switches,
      "sets written meanwhile": written,
      "sessions refused at the old primary": refused,
      "sessions issued from the old primary": issued,
    },
    failures: unless({
      "nothing was written while one sidecar used the old primary": written > 0,
      "no session was requested at the old primary": refused > 0,
      [`${issued} sessions were issued from the old primary`]: issued === 0,
    }),
  };
}
