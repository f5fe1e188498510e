import { describe, expect, test } from "bun:test";
import type { Mutation } from "./mutations.ts";
import { replayMutations } from "./replay-mutations.ts";
import { simulateReplays } from "./simulate-replays.ts";

const seeds = 500;
/** Every mutation is noticed within fifty seeds. */
const seedsPerMutation = 500;

describe("the replay guard under faults", () => {
  test(`lets no request take effect twice in ${seeds} seeded runs`, () => {
    const counts = new Map<string, number>();
    for (let seed = 1; seed <= seeds; seed += 1) {
      const result = simulateReplays(seed);
      if (result.violation !== null) throw new Error(replayAdvice(seed, result.violation));
      for (const [what, count] of result.counts) counts.set(what, (counts.get(what) ?? 0) + count);
    }
    const rare = mustHappen.filter((what) => (counts.get(what) ?? 0) < 100);
    expect(rare).toEqual([]);
  }, 120_000);

  test.each(Object.entries<Mutation>(replayMutations))(
    "is seen to fail if %s",
    (_, mutation) => {
      expect(isBroken(mutation)).toBe(true);
    },
    120_000,
  );
});

/** Without these events, the runs would prove little. */
const mustHappen = [
  "ran",
  "ran alone",
  "copy answered with success",
  "copy answered with ERR_REQUEST_REPLAYED",
  "copy answered with ERR_SIGNATURE_INVALID",
  "fell back",
  "returned",
  "redis was full",
  "redis started empty",
  "redis started with all data",
  "redis started from a snapshot",
  "redis started as a replica that lagged",
  "sidecar crashed",
  "sidecar frozen",
];

function isBroken(mutation: Mutation): boolean {
  for (let seed = 1; seed <= seedsPerMutation; seed += 1)
    if (simulateReplays(seed, { mutation }).violation !== null) return true;
  return false;
}

function replayAdvice(seed: number, violation: string): string {
  return `seed ${seed}: ${violation}\n\nSee what happened:  bun test/simulation/run.ts --replays --seed ${seed}\n`;
}
