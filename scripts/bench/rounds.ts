/**
 * Measures each contender once in each round. The order rotates from one round to the next, so that other load on the
 * machine affects all of them equally. Returns the samples of each contender in the order of the rounds.
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

/**
 * Returns the middle value, or the mean of the two middle values.
 *
 * @throws {RangeError} there is no value
 */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("there is no median of nothing");
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return (lower + upper) / 2;
}

export interface Ratio {
  /** The median of the rounds' ratios. */
  readonly median: number;
  readonly rounds: readonly number[];
}

/**
 * Divides one series by another, round by round, since the two values of a round were measured within seconds of each
 * other.
 *
 * @throws {RangeError} the series differ in length, or are empty
 */
export function ratioOf(figures: readonly number[], over: readonly number[]): Ratio {
  if (figures.length !== over.length) throw new RangeError("each round needs both figures");
  const rounds = figures.map((figure, round) => figure / (over[round] ?? Number.NaN));
  return { median: median(rounds), rounds };
}
