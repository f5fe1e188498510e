import type { HotCopyEvent } from "../../src/redis/hot-copy-options.ts";
import { tell } from "../progress.ts";
import type { Sides } from "./sides.ts";

export type FilledSides = Pick<Sides, "scan" | "population" | "patience">;

export interface Filled {
  /** The number of hashes that now hold the row's value because of this call. */
  readonly filled: number;
  /** The number of hashes that held it already. */
  readonly hits: number;
  /**
   * The number of users who were being written, have no data any more, are blocked, or whose hash waits for a lookup.
   */
  readonly left: number;
}

/**
 * Runs READ for all of these users, then reads their rows, then runs FILL for each miss. These are the sidecar's own
 * steps, so a concurrent write of a sidecar wins. Login ids must be spelled as the table stores them.
 *
 * @throws {HotCopyUnavailable} | {DatabaseUnavailable} some may be filled, each with what its row held
 */
export async function fillUsers(sides: FilledSides, loginIds: readonly string[]): Promise<Filled> {
  let filled = 0;
  return sides.patience.retry(async () => {
    await untilFilling(sides);
    const answer = await tryToFill(sides, loginIds);
    const hits = answer.hits - filled;
    filled += answer.filled;
    if (!answer.isClear) throw sides.population.unavailable();
    return { filled, hits, left: loginIds.length - filled - hits };
  });
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
  // The port also returns "ask" while Redis is away. Only what `onEvent` was told is an answer of Redis.
  const isClear =
    times("hit", "miss", "ask", "stale") === loginIds.length &&
    times("fill", "fill refused") === fills.length;
  return { isClear, hits: times("hit"), filled: times("fill") };
}

/** Waits until the grace is over, and says so. Nothing may be filled before. */
export function untilFilling({ population }: FilledSides): Promise<void> {
  return population.untilFilling(() =>
    tell("Waiting for the grace period: Redis was first seen too recently to be filled.\n"),
  );
}
