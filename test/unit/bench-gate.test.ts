import { describe, expect, test } from "bun:test";
import { isCalm, quietestShare, shareOf } from "../../scripts/bench/gate/measure-gate.ts";
import { verdictOn as verdictOnRounds } from "../../scripts/bench/gate/verdict.ts";
import { scheduledSoFar, waitShare } from "../../scripts/bench/gate/waiting.ts";

/** Shares of the limit's CPU time as they were measured, with the guard off, on two cores shared with others. */
const recorded = {
  calm: [[0.69, 0.64, 0.67, 0.69, 0.67], [0.62]],
  besideOtherLoad: [[0.63, 0.62, 0.7, 0.61, 0.6], [0.73]],
  /** Others took most of the machine. */
  crowded: [
    [0.61, 0.58, 0.41, 0.57, 0.71],
    [0.52, 0.52, 0.71],
  ],
  /** 8 µs of work for nothing in each lookup. */
  slowed: [
    [0.52, 0.52, 0.48, 0.4, 0.54],
    [0.5, 0.51, 0.52, 0.53],
  ],
  slowedBesideOtherLoad: [
    [0.51, 0.51, 0.57, 0.49, 0.5],
    [0.47, 0.51, 0.5, 0.48, 0.57],
  ],
};

/** On rounds that were all calm, or all not, and none of which says more than the others about the code itself. */
const verdictOn = (pairs: readonly (readonly number[])[], floor: number, isCalm = true, quietest = 0) =>
  verdictOnRounds(
    pairs.map((ratios) => ratios.map((ratio) => ({ ratio, isCalm }))),
    floor,
    quietest,
  );

/** CPU time in microseconds, of bare and of an unchanged sidecar with its guard, beside somebody else's tests. */
const besideTests = [
  [22, 29.7],
  [20.4, 32.8],
  [19.9, 41.3],
  [19.3, 38.5],
  [21.1, 40.5],
  [20.4, 43.4],
  [21, 27.9],
].map(([bare = 0, guardOn = 0]) => ({ bare, guardOff: 25, guardOn, waiting: 0.48 }));

describe("the gate", () => {
  test("lets pass what was measured of an unchanged sidecar, calm or not", () => {
    expect(verdictOn(recorded.calm, 0.58)).toBe("holds");
    expect(verdictOn(recorded.besideOtherLoad, 0.58)).toBe("holds");
  });

  test("fails on 8 µs more in each lookup, calm or not", () => {
    expect(verdictOn(recorded.slowed, 0.58)).toBe("fails");
    expect(verdictOn(recorded.slowedBesideOtherLoad, 0.58)).toBe("fails");
  });

  test("stays undecided where the rounds lie on both sides of the floor", () => {
    expect(verdictOn(recorded.crowded, 0.58)).toBe("undecided");
    expect(verdictOn(recorded.calm, 0.67)).toBe("undecided");
  });

  test("is not turned by a round that is far off: it takes some more rounds, and decides as without it", () => {
    const steady = [0.66, 0.67, 0.65, 0.68];
    const slow = [0.5, 0.51, 0.49, 0.52];
    expect(verdictOn([[...steady, 0.01], steady], 0.58)).toBe("undecided");
    expect(verdictOn([[...steady, 0.01, ...steady], steady], 0.58)).toBe("holds");
    expect(verdictOn([[...slow, 9.9], slow], 0.58)).toBe("undecided");
    expect(
      verdictOn(
        [
          [...slow, 9.9, ...slow],
          [...slow, ...slow],
        ],
        0.58,
      ),
    ).toBe("fails");
  });

  test("decides nothing by a single pair of processes, however many rounds they had", () => {
    expect(verdictOn([Array(40).fill(0.9)], 0.58)).toBe("undecided");
    expect(verdictOn([Array(40).fill(0.1)], 0.58)).toBe("undecided");
    expect(verdictOn([Array(40).fill(0.1), []], 0.58)).toBe("undecided");
  });

  test("fails nothing as long as one pair of processes reaches the floor", () => {
    expect(verdictOn([Array(40).fill(0.4), [0.6, 0.61]], 0.58)).toBe("undecided");
  });

  test("decides nothing by fewer rounds than could be chance", () => {
    const rounds = (count: number, share: number) => [[share], Array(count - 1).fill(share)];
    expect([5, 6].map((count) => verdictOn(rounds(count, 0.6), 0.58))).toEqual(["undecided", "holds"]);
    expect([6, 7].map((count) => verdictOn(rounds(count, 0.5), 0.58))).toEqual(["undecided", "fails"]);
    expect(verdictOn([], 0.58)).toBe("undecided");
  });

  test("calls a sidecar at its floor too slow in less than one run of a hundred", () => {
    // Every way in which eight rounds can fall, a hundredth more or less far from the floor.
    const runs = Array.from({ length: 2 ** 8 }, (_, signs) =>
      Array.from({ length: 8 }, (_, round) => 0.58 + (signs & (1 << round) ? 0.01 : -0.01) * (round + 1)),
    );
    const verdicts = runs.map((run) => verdictOn([run.slice(0, 4), run.slice(4)], 0.58));
    const failures = verdicts.filter((verdict) => verdict === "fails").length;
    expect(failures).toBeGreaterThan(0);
    expect(failures / runs.length).toBeLessThanOrEqual(0.01);
  });

  test("never fails on rounds in which a server had to wait for the machine, but may hold by them", () => {
    expect(verdictOn(recorded.slowed, 0.58, false)).toBe("undecided");
    expect(verdictOn(recorded.besideOtherLoad, 0.58, false)).toBe("holds");
  });

  test("never fails while the least that each has needed reaches the floor, however busy the machine was", () => {
    const quietest = quietestShare(besideTests, "guardOn");
    expect(quietest).toBeCloseTo(19.3 / 27.9);
    expect(verdictOn(recorded.slowed, 0.58, true, quietest)).toBe("undecided");
    expect(verdictOn(recorded.slowed, 0.58, true, 0.579)).toBe("fails");
  });

  test("takes the share as the limit's CPU time over the sidecar's own", () => {
    const round = { bare: 20, guardOff: 25, guardOn: 40, waiting: 0 };
    expect([shareOf(round, "guardOff"), shareOf(round, "guardOn")]).toEqual([0.8, 0.5]);
  });

  test("calls a round calm as long as no server waited most of its time", () => {
    const round = { bare: 20, guardOff: 25, guardOn: 40 };
    expect([0, 0.7, 0.71].map((waiting) => isCalm({ ...round, waiting }))).toEqual([true, true, false]);
  });
});

describe("waiting for a processor", () => {
  test("is the share of the time in which a thread could have run and did not", () => {
    expect(waitShare({ runMs: 10, waitMs: 5 }, { runMs: 20, waitMs: 35 })).toBe(0.75);
    expect(waitShare({ runMs: 10, waitMs: 5 }, { runMs: 10, waitMs: 5 })).toBe(0);
  });

  test("counts as none where the system does not tell", () => {
    expect(waitShare(null, { runMs: 1, waitMs: 1 })).toBe(0);
    expect(scheduledSoFar(2 ** 30)).toBeNull();
  });

  test.skipIf(process.platform !== "linux")("is read of this very process, which has run", () => {
    expect(scheduledSoFar(process.pid)?.runMs).toBeGreaterThan(0);
  });
});
