import type { Mutation } from "./mutations.ts";
import type { SimulationOptions, SimulationResult } from "./simulate.ts";

type Simulate = (seed: number, options?: SimulationOptions) => SimulationResult;

/**
 * Runs the seeds from 1 on, and returns how often each kind of event happened.
 *
 * @throws {Error} a run has a violation; the message says how to see what happened
 */
export function countEvents(simulate: Simulate, seeds: number, command: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (let seed = 1; seed <= seeds; seed += 1) {
    const result = simulate(seed);
    if (result.violation !== null)
      throw new Error(`seed ${seed}: ${result.violation}\n\nSee what happened:  ${command} --seed ${seed}\n`);
    for (const [what, count] of result.counts) counts.set(what, (counts.get(what) ?? 0) + count);
  }
  return counts;
}

/** Returns the first seed with a violation, or `null`. */
export function firstBroken(simulate: Simulate, seeds: number, mutation: Mutation): number | null {
  for (let seed = 1; seed <= seeds; seed += 1)
    if (simulate(seed, { mutation }).violation !== null) return seed;
  return null;
}
