import { Database } from "bun:sqlite";
import { renameSync, rmSync } from "node:fs";
import { SQL } from "bun";
import { temporaryFolder } from "../../servers/temporary-folder.ts";
import { combine, experiment, type Progress, unless } from "../harness/experiment.ts";
import { createHistory, type History, type Verdict } from "../harness/history.ts";
import { startLoad } from "../harness/load.ts";
import { createSiteOf } from "../harness/site.ts";
import { startWorld } from "../harness/world.ts";
import type { RegisterOperation } from "../register-checker.ts";

interface Parameters {
  readonly swaps: number;
  readonly betweenMs: number;
  readonly ratePerSecond: number;
}

/** When a backup began, and when it had replaced the file. */
interface Swap {
  readonly begunAt: number;
  readonly doneAt: number;
}

const users = 8;

export const swappedFile = experiment<Parameters>({
  id: "swapped-file",
  title: "an SQLite file is replaced by its backup under load, in both journal modes",
  passes:
    "no answer comes from a file that is no longer at the path, and no acknowledged set is written to one",
  small: { swaps: 4, betweenMs: 700, ratePerSecond: 120 },
  full: { swaps: 60, betweenMs: 1000, ratePerSecond: 150 },
  async run(parameters, progress) {
    const verdicts: Verdict[] = [];
    for (const journalMode of ["WAL", "DELETE"]) {
      verdicts.push(await swapUnderLoad(journalMode, parameters, progress));
    }
    return combine(...verdicts);
  },
});

async function swapUnderLoad(
  journalMode: string,
  { swaps: count, betweenMs, ratePerSecond }: Parameters,
  progress: Progress,
): Promise<Verdict> {
  using folder = temporaryFolder();
  const path = folder.at("site.db");
  create(path, journalMode);
  const connect = () => new SQL({ adapter: "sqlite", filename: path, readwrite: true });
  await using site = await createSiteOf({ kind: "sqlite", connect, users });
  await using world = await startWorld({
    sidecars: 2,
    users,
    // Without Redis, only the file is tested. With Redis, the site would have to invalidate the values after a restore.
    redis: "none",
    database: { site, urlOf: () => `sqlite:${path}` },
  });
  const history = createHistory();
  const load = startLoad(world, { history, clients: 8, ratePerSecond, sets: 0.3, secondsMax: 600 });
  const swaps: Swap[] = [];
  for (let round = 1; round <= count; round += 1) {
    await Bun.sleep(betweenMs);
    swaps.push(swap(path, folder.at(`backup${round}.db`), journalMode));
    progress(`${journalMode}: ${round} of ${count} swaps`);
  }
  await Bun.sleep(betweenMs);
  await load.stop();
  return judgeFile(journalMode, path, history, swaps);
}

function create(path: string, journalMode: string): void {
  using database = new Database(path, { create: true });
  database.run(`PRAGMA journal_mode = ${journalMode}`);
}

/**
 * Replaces the file by a backup in which every row is marked, as `mv` does. A lock prevents writes meanwhile, because
 * the rollback journal of a writer would be applied to the backup.
 */
function swap(path: string, backup: string, journalMode: string): Swap {
  using lock = new Database(path, { readwrite: true });
  lock.run("PRAGMA busy_timeout = 2000");
  lock.run("BEGIN IMMEDIATE");
  const begunAt = performance.now();
  {
    using database = new Database(path, { readwrite: true });
    database.run(`VACUUM INTO '${backup}'`);
  }
  {
    using restored = new Database(backup, { readwrite: true });
    restored.run(`PRAGMA journal_mode = ${journalMode}`);
    restored.run(`UPDATE users SET ownIdData = '${markOf(begunAt)}'`);
  }
  for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
  renameSync(backup, path);
  return { begunAt, doneAt: performance.now() };
}

const markOf = (begunAt: number) => `restored ${begunAt}`;

/**
 * Checks two rules. A set that was sent after the last swap is in the file, and so is one that was answered before the
 * backup of each later swap. A get that was sent after a swap returns the mark of that swap or of a later one, or a
 * value whose set was answered after the backup had begun.
 */
function judgeFile(
  journalMode: string,
  path: string,
  { operations, replies }: History,
  swaps: readonly Swap[],
): Verdict {
  using database = new Database(path);
  const written = new Set(
    database.query<{ value: string }, []>("SELECT value FROM written").values().flat().map(String),
  );
  const isOutsideSwaps = ({ invokedAt, returnedAt }: RegisterOperation) =>
    swaps.every(({ begunAt, doneAt }) => (returnedAt ?? invokedAt) < begunAt || invokedAt > doneAt);
  const sets = operations.filter(({ kind }) => kind === "set");
  const acknowledged = sets.filter(({ outcome }) => outcome === "ok");
  const lost = acknowledged.filter((set) => isOutsideSwaps(set) && !written.has(set.value ?? ""));
  /** The latest time at which a value was written to the table. */
  const putAt = new Map<string | null, number>([
    ...swaps.map(({ begunAt }) => [markOf(begunAt), begunAt] as const),
    ...sets.map(({ value, returnedAt }) => [value, returnedAt ?? Number.POSITIVE_INFINITY] as const),
  ]);
  const stale = operations.filter(({ kind, value, invokedAt }) => {
    const last = swaps.findLast(({ doneAt }) => doneAt < invokedAt);
    return kind === "get" && last !== undefined && (putAt.get(value) ?? 0) < last.begunAt;
  });
  const answered = replies.filter(({ status }) => status === 200 || status === 204).length;
  const of = (what: string) => `${journalMode}: ${what}`;
  return {
    figures: {
      [of("swaps")]: swaps.length,
      [of("operations")]: replies.length,
      [of("answered")]: answered,
      [of("sets acknowledged")]: acknowledged.length,
      [of("acknowledged sets lost")]: lost.length,
      [of("answers from an old file")]: stale.length,
    },
    failures: unless({
      [of(`${lost.length} acknowledged sets are not in the file, such as ${lost[0]?.value}`)]:
        lost.length === 0,
      [of(`${stale.length} answers came from an old file, such as ${stale[0]?.value}`)]: stale.length === 0,
      [of(`only ${answered} of ${replies.length} requests were answered`)]: answered > replies.length * 0.8,
      [of("nothing was written after a swap")]: acknowledged.some(
        ({ invokedAt }) => invokedAt > (swaps.at(-1)?.doneAt ?? 0),
      ),
    }),
  };
}
