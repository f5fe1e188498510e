import { median } from "../rounds.ts";

export type Verdict = "holds" | "fails" | "undecided";

/** The ratios of one pair of processes, round by round. */
export type PairRatios = readonly number[];

/** Chance at most that a server right at its floor is called too slow. The margin above the floor makes it far less. */
const failureChanceMax = 0.01;
/** Likewise, that it is called fast enough. */
const successChanceMax = 0.02;
/** Rounds of the same processes err together, as each process is compiled in its own way. */
const pairsMin = 2;

/**
 * Whether the ratios lie above a floor, by Wilcoxon's signed-rank test: it asks on which side of the floor each round
 * fell and how the distances rank, so that a round in which the machine was busy elsewhere counts as the largest and
 * no more, however far off it is. For a failure, each pair of processes has to be below the floor.
 */
export function verdictOn(all: readonly PairRatios[], floor: number): Verdict {
  const pairs = all.filter((pair) => pair.length > 0);
  if (pairs.length < pairsMin) return "undecided";
  const above = pairs.flat().map((ratio) => ratio - floor);
  const below = above.map((distance) => -distance);
  if (chanceOf(above) <= successChanceMax) return "holds";
  const eachIsBelow = pairs.every((pair) => median(pair) < floor);
  return eachIsBelow && chanceOf(below) <= failureChanceMax ? "fails" : "undecided";
}

/** The chance that the positive distances outweigh the others so much, or more, if each sign were a coin's toss. */
function chanceOf(distances: readonly number[]): number {
  const ranked = distances.toSorted((a, b) => Math.abs(a) - Math.abs(b));
  const weight = ranked.reduce((sum, distance, index) => sum + (distance > 0 ? index + 1 : 0), 0);
  // How many of all the ways to toss give each sum of ranks.
  let ways = [1];
  for (let rank = 1; rank <= ranked.length; rank += 1) {
    const longer = Array.from(
      { length: ways.length + rank },
      (_, sum) => (ways[sum] ?? 0) + (ways[sum - rank] ?? 0),
    );
    ways = longer;
  }
  const asMuch = ways.slice(weight).reduce((sum, count) => sum + count, 0);
  return asMuch / 2 ** ranked.length;
}
