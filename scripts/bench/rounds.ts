/**
 * Measures each contender once a round, and turns the order round from one round to the next, so that what the
 * machine does meanwhile falls on all of them alike. Answers every round's sample, in the order of the rounds.
 */
export async function measureInTurn<Contender, Sample>(
  contenders: readonly Contender[],
  rounds: number,
  measure: (contender: Contender, round: number) => Promise<Sample>,
): Promise<Map<Contender, Sample[]>> {
  const samples = new Map<Contender, Sample[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      samples.get(contender)?.push(await measure(contender, round));
    }
  }
  return samples;
}

/** The middle value, or the mean of the two in the middle. @throws {RangeError} there is none */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("there is no median of nothing");
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return (lower + upper) / 2;
}

export interface Ratio {
  /** Of the rounds' ratios. */
  readonly median: number;
  readonly rounds: readonly number[];
}

/**
 * One figure over another, round by round: both were measured within seconds of each other.
 *
 * @throws {RangeError} not as many of one as of the other, or none
 */
export function ratioOf(figures: readonly number[], over: readonly number[]): Ratio {
  if (figures.length !== over.length) throw new RangeError("each round needs both figures");
  const rounds = figures.map((figure, round) => figure / (over[round] ?? Number.NaN));
  return { median: median(rounds), rounds };
}
