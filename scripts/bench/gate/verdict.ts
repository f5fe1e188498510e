import { median } from "../rounds.ts";

export type Verdict = "holds" | "fails" | "undecided";

/** One round's ratio, and whether the machine let the processes run when they could. */
export interface GateRatio {
  readonly ratio: number;
  readonly isCalm: boolean;
}

/** Chance at most that a server right at its floor is called too slow: asked once. The margin above the floor makes it far less. */
const failureChanceMax = 0.01;
/** Likewise, that it is called fast enough, each time it is asked: over a whole run, about three times that. */
const successChanceMax = 0.02;
/** Rounds of the same processes err together, as each process is compiled in its own way. */
const pairsMin = 2;

/**
 * Whether the ratios, listed by pair of processes, lie above a floor, by Wilcoxon's signed-rank test: it asks on which
 * side of the floor each round fell and how the distances rank, so that a round in which the machine was busy elsewhere
 * counts as the largest and no more, however far off it is.
 *
 * For a failure that is not enough, since a machine that is busy all the time moves all rounds to one side: the larger
 * program loses more when its caches are cold, and a server that is interrupted sends fewer commands at once. So only
 * calm rounds count, each pair of processes has to be below the floor, and so does `quietest`, the ratio of the least
 * that each has needed in any round.
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

/** Of the pairs that have any. */
function ratiosOf(
  pairs: readonly (readonly GateRatio[])[],
  counts: (round: GateRatio) => boolean,
): readonly (readonly number[])[] {
  const ratios = pairs.map((rounds) => rounds.filter(counts).map(({ ratio }) => ratio));
  return ratios.filter((each) => each.length > 0);
}

/** The chance that the positive distances outweigh the others so much, or more, if each sign were a coin's toss. */
function chanceOf(distances: readonly number[]): number {
  const ranked = distances.toSorted((a, b) => Math.abs(a) - Math.abs(b));
  const weight = ranked.reduce((sum, distance, index) => sum + (distance > 0 ? index + 1 : 0), 0);
  // How many of all the ways to toss give each sum of ranks.
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
