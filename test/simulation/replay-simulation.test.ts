import { describe, expect, test } from "bun:test";
import type { Mutation } from "./mutations.ts";
import { replayMutations } from "./replay-mutations.ts";
import { countEvents, firstBroken } from "./seeded-runs.ts";
import { simulateReplays } from "./simulate-replays.ts";

const seeds = 500;
/** Every mutation is noticed within fifty seeds. */
const seedsPerMutation = 500;

describe("the replay guard under faults", () => {
  test(`lets no request take effect twice in ${seeds} seeded runs`, () => {
    const counts = countEvents(simulateReplays, seeds, "bun test/simulation/run.ts --replays");
    const rare = mustHappen.filter((what) => (counts.get(what) ?? 0) < 100);
    expect(rare).toEqual([]);
  }, 120_000);

  test.each(Object.entries<Mutation>(replayMutations))(
    "is seen to fail if %s",
    (_, mutation) => {
      expect(firstBroken(simulateReplays, seedsPerMutation, mutation)).not.toBeNull();
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
