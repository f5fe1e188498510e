import { HotCopyUnavailable } from "../../src/errors.ts";
import type { HotCopyEvent } from "../../src/redis/hot-copy-options.ts";
import { tell } from "../progress.ts";
import type { Sides } from "./sides.ts";

export type FilledSides = Pick<Sides, "scan" | "population">;

export interface Filled {
  /** Hashes that hold the row's value since. */
  readonly filled: number;
  /** Hashes that held it already. */
  readonly hits: number;
  /** Users that were being written, or have no data by now, or are blocked, or whose hash waits for a lookup. */
  readonly left: number;
}

/** So often the same users are begun with again while Redis comes and goes. */
const triesMax = 10;

/**
 * READ for all of these users, then their rows, then FILL for each miss: the sidecar's own steps, so that whatever
 * a sidecar writes meanwhile wins. Login ids are spelt as the table stores them.
 *
 * @throws {HotCopyUnavailable} | {DatabaseUnavailable} some may be filled, each with what its row held
 */
export async function fillUsers(sides: FilledSides, loginIds: readonly string[]): Promise<Filled> {
  let filledBefore = 0;
  for (let tries = 1; tries <= triesMax; tries += 1) {
    await untilFilling(sides);
    const { isClear, ...answer } = await tryToFill(sides, loginIds);
    const filled = filledBefore + answer.filled;
    const hits = answer.hits - filledBefore;
    if (isClear) return { filled, hits, left: loginIds.length - filled - hits };
    filledBefore = filled;
  }
  throw new HotCopyUnavailable("Redis comes and goes: not every user of a batch could be filled");
}

async function tryToFill({ population, scan }: FilledSides, loginIds: readonly string[]) {
  const noted: HotCopyEvent[] = [];
  const hotCopy = population.hotCopy((event) => noted.push(event));
  const reads = await Promise.all(
    loginIds.map(async (loginId) => ({ loginId, read: await hotCopy.read(loginId) })),
  );
  const misses = reads.filter(({ read }) => read.state === "miss").map(({ loginId }) => loginId);
  const rows = await scan.read(misses);
  const fills = reads.flatMap(({ loginId, read }) => {
    const ownIdData = rows.get(loginId);
    return read.state === "miss" && ownIdData ? [read.fill(ownIdData)] : [];
  });
  await Promise.all(fills);
  const times = (...events: HotCopyEvent[]) => noted.filter((event) => events.includes(event)).length;
  // The port answers "ask" while Redis is away as well; only what is noted was an answer of Redis.
  const isClear =
    times("hit", "miss", "ask", "stale") === loginIds.length &&
    times("fill", "fill refused") === fills.length;
  return { isClear, hits: times("hit"), filled: times("fill") };
}

/** Waits for the grace, and says so: until it is over, nothing may be filled. */
export function untilFilling({ population }: FilledSides): Promise<void> {
  return population.untilFilling(() =>
    tell("Waiting for the grace period: Redis was first seen too recently to be filled.\n"),
  );
}
