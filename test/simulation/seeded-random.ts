/** Chance that a seed repeats: the only source of it in a simulation. */
export interface SeededRandom {
  /** At least 0, less than 1. */
  fraction(): number;
  chance(probability: number): boolean;
  between(least: number, most: number): number;
  /** A whole number, both ends included. */
  whole(least: number, most: number): number;
  pick<Choice>(choices: readonly [Choice, ...Choice[]]): Choice;
}

/** Mulberry32: every seed, also one beside another, gives a sequence of its own. */
export function createSeededRandom(seed: number): SeededRandom {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;

  function fraction(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  const whole = (least: number, most: number) => least + Math.floor(fraction() * (most - least + 1));

  return {
    fraction,
    chance: (probability) => fraction() < probability,
    between: (least, most) => least + fraction() * (most - least),
    whole,
    pick: (choices) => choices[whole(0, choices.length - 1)] ?? choices[0],
  };
}
