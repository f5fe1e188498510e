/** Random numbers that depend only on the seed. A simulation uses no others. */
export interface SeededRandom {
  /** Returns a number in [0, 1). */
  fraction(): number;
  chance(probability: number): boolean;
  between(least: number, most: number): number;
  /** Returns an integer from `least` to `most`, including both. */
  integer(least: number, most: number): number;
  pick<Choice>(choices: readonly [Choice, ...Choice[]]): Choice;
}

/** Creates a generator (Mulberry32). Every seed has a different sequence, even if two seeds are neighbors. */
export function createSeededRandom(seed: number): SeededRandom {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;

  function fraction(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  const integer = (least: number, most: number) => least + Math.floor(fraction() * (most - least + 1));

  return {
    fraction,
    chance: (probability) => fraction() < probability,
    between: (least, most) => least + fraction() * (most - least),
    integer,
    pick: (choices) => choices[integer(0, choices.length - 1)] ?? choices[0],
  };
}
