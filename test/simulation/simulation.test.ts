import { describe, expect, test } from "bun:test";
import { type Mutation, mutations } from "./mutations.ts";
import { countEvents, firstBroken } from "./seeded-runs.ts";
import { simulate } from "./simulate.ts";

const seeds = 3000;
/** Most mutations are noticed within a hundred seeds. */
const seedsPerMutation = 5000;

describe("the store under faults", () => {
  test(`is one register per login id in ${seeds} seeded runs`, () => {
    const counts = countEvents(simulate, seeds, "bun test/simulation/run.ts");
    const rare = mustHappen.filter((what) => (counts.get(what) ?? 0) < 100);
    expect(rare).toEqual([]);
  }, 120_000);
});

describe("the simulation", () => {
  test("repeats every event of a seed", () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { trace } = simulate(seed, { keepsTrace: true });
      expect(trace.length).toBeGreaterThan(20);
      expect(simulate(seed, { keepsTrace: true }).trace).toEqual(trace);
    }
  });

  test("runs in the same way with and without a trace", () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { trace: _, ...watched } = simulate(seed, { keepsTrace: true });
      const { trace: __, ...unwatched } = simulate(seed);
      expect(unwatched).toEqual(watched);
    }
  });

  test("restores the clock, the timers and the random numbers", () => {
    const before = [performance.now, Date.now, Math.random, setTimeout, setImmediate, crypto.randomUUID];
    simulate(1);
    const after = [performance.now, Date.now, Math.random, setTimeout, setImmediate, crypto.randomUUID];
    expect(after).toEqual(before);
  });

  test.each(Object.entries<Mutation>(mutations))(
    "notices that %s",
    (name, mutation) => {
      expect(
        firstBroken(simulate, seedsPerMutation, mutation),
        `no seed up to ${seedsPerMutation} shows a violation although ${name}`,
      ).not.toBeNull();
    },
    120_000,
  );
});

/** Without these events, the runs would prove little. */
const mustHappen = [
  "hit",
  "miss",
  "ask",
  "fill",
  "fill refused",
  "end failed",
  "set done",
  "set unknown",
  "erase done",
  "write contended",
  "deadline passed",
  "database ended",
  "redis started empty",
  "redis started with all data",
  "redis started from a snapshot",
  "redis started as a replica that lagged",
  "sidecar crashed",
  "sidecar frozen",
];
