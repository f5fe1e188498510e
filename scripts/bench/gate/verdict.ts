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
 * Whether the ratios lie above a floor. A sign test: what counts is on which side of the floor a round fell, not how
 * far from it, so that a round in which the machine was busy elsewhere has one vote like any other.
 * For a failure, each pair of processes has to be below the floor.
 */
export function verdictOn(pairs: readonly PairRatios[], floor: number): Verdict {
  if (pairs.length < pairsMin) return "undecided";
  const ratios = pairs.flat();
  const below = ratios.filter((ratio) => ratio < floor).length;
  const above = ratios.length - below;
  if (chanceOf(above, ratios.length) <= successChanceMax) return "holds";
  const eachIsBelow = pairs.every((pair) => pair.length > 0 && median(pair) < floor);
  return eachIsBelow && chanceOf(below, ratios.length) <= failureChanceMax ? "fails" : "undecided";
}

/** The chance that a fair coin shows heads so often, or more often. */
function chanceOf(heads: number, tosses: number): number {
  let ways = 1;
  let sum = 0;
  for (let count = 0; count <= tosses; count += 1) {
    if (count >= heads) sum += ways;
    ways = (ways * (tosses - count)) / (count + 1);
  }
  return sum / 2 ** tosses;
}
