import { parseArgs } from "node:util";
import { mutations, noMutation } from "./mutations.ts";
import { replayMutations } from "./replay-mutations.ts";
import { simulate } from "./simulate.ts";
import { simulateReplays } from "./simulate-replays.ts";

/**
 * bun test/simulation/run.ts --seeds 100000 --from 1     many runs; prints every seed with a violation
 * bun test/simulation/run.ts --seed 17                   one run, with its trace
 * … --mutation "there is no grace"                       the same with a mutation
 * … --replays                                            the replay guard instead of the store
 */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "10000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    mutation: { type: "string" },
    replays: { type: "boolean", default: false },
  },
});

const simulateOnce = values.replays ? simulateReplays : simulate;
const known = values.replays ? replayMutations : mutations;

const mutation = findMutation(values.mutation);
if (values.seed === undefined) runMany(Number(values.from), Number(values.seeds));
else replay(Number(values.seed));

function findMutation(name: string | undefined) {
  if (name === undefined) return noMutation;
  const found = Object.entries(known).find(([candidate]) => candidate === name);
  if (found !== undefined) return found[1];
  console.error(`There is no such mutation. The mutations are:\n  ${Object.keys(known).join("\n  ")}`);
  return process.exit(2);
}

function runMany(from: number, seeds: number): void {
  const startedMs = performance.now();
  const counts = new Map<string, number>();
  let broken = 0;
  for (let seed = from; seed < from + seeds; seed += 1) {
    const result = simulateOnce(seed, { mutation });
    for (const [what, count] of result.counts) counts.set(what, (counts.get(what) ?? 0) + count);
    if (result.violation === null) continue;
    broken += 1;
    console.log(`seed ${seed}: ${result.violation}`);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  console.table(Object.fromEntries([...counts].sort()));
  console.log(
    `${seeds} seeds in ${seconds.toFixed(1)} s, ${Math.round(seeds / seconds)} per second; ${broken} with a violation`,
  );
  if (broken > 0) process.exitCode = 1;
}

function replay(seed: number): void {
  const { trace, violation } = simulateOnce(seed, { mutation, keepsTrace: true });
  console.log(trace.join("\n"));
  console.log(violation === null ? `seed ${seed} has no violation` : `seed ${seed}: ${violation}`);
  if (violation !== null) process.exitCode = 1;
}
