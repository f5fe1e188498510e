import { median } from "../rounds.ts";

export type Verdict = "holds" | "fails" | "undecided";

/** The ratio of one round, and whether the machine let the processes run when they could. */
export interface GateRatio {
  readonly ratio: number;
  readonly isCalm: boolean;
}

/**
 * Maximum probability that a server exactly at its floor is called too slow, in one test. The margin above the floor
 * makes it much smaller.
 */
const failureChanceMax = 0.01;
/** Maximum probability that it is called fast enough, in each test; over a whole run, about three times as much. */
const successChanceMax = 0.02;
/** Rounds of the same processes err together, since each process is compiled in its own way. */
const pairsMin = 2;

/**
 * Decides whether the ratios, grouped by pair of processes, are above a floor, with Wilcoxon's signed-rank test. It
 * considers on which side of the floor each round was and how the distances rank, so an outlier counts as the largest
 * distance and no more.
 *
 * For a failure this is not enough, since a busy machine shifts all rounds to one side: the larger program loses more
 * when its caches are cold, and a server that is interrupted sends fewer commands at once. Contended rounds can
 * therefore pass the gate but not fail it. Each pair of processes must be below the floor, and so must `quietest`,
 * the ratio of the least CPU times.
 */
export function verdictOn(
  pairs: readonly (readonly GateRatio[])[],
  floor: number,
  quietest: number,
): Verdict {
  const all = ratiosOf(pairs, () => true);
  const above = all.flat().map((ratio) => ratio - floor);
  if (all.length >= pairsMin && chanceOf(above) <= successChanceMax) return "holds";
  if (quietest >= floor) return "undecided";
  const calm = ratiosOf(pairs, ({ isCalm }) => isCalm);
  if (calm.length < pairsMin || calm.some((ratios) => median(ratios) >= floor)) return "undecided";
  const below = calm.flat().map((ratio) => floor - ratio);
  return chanceOf(below) <= failureChanceMax ? "fails" : "undecided";
}

/** Returns the ratios of the pairs that have any. */
function ratiosOf(
  pairs: readonly (readonly GateRatio[])[],
  counts: (round: GateRatio) => boolean,
): readonly (readonly number[])[] {
  const ratios = pairs.map((rounds) => rounds.filter(counts).map(({ ratio }) => ratio));
  return ratios.filter((each) => each.length > 0);
}

/**
 * Returns the probability that positive distances outweigh the others at least this much if each sign were a coin
 * toss.
 */
function chanceOf(distances: readonly number[]): number {
  const ranked = distances.toSorted((a, b) => Math.abs(a) - Math.abs(b));
  const weight = ranked.reduce((sum, distance, index) => sum + (distance > 0 ? index + 1 : 0), 0);
  // How many of all coin tosses give each sum of ranks.
  let ways = [1];
  for (let rank = 1; rank <= ranked.length; rank += 1) {
    const shorter = ways;
    ways = Array.from(
      { length: shorter.length + rank },
      (_, sum) => (shorter[sum] ?? 0) + (shorter[sum - rank] ?? 0),
    );
  }
  const asMuch = ways.slice(weight).reduce((sum, count) => sum + count, 0);
  return asMuch / 2 ** ranked.length;
}
