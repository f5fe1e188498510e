import { describe, expect, test } from "bun:test";
import { type ArrivalsOptions, createArrivals } from "../../scripts/load/arrivals.ts";

/** The same sequence in every run: a linear congruential generator modulo 2^32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function timesOf(options: Partial<ArrivalsOptions>): number[] {
  const arrivals = createArrivals({
    rate: { from: 100, to: 100 },
    durationMs: 10_000,
    spacing: "poisson",
    random: seeded(7),
    ...options,
  });
  const times: number[] = [];
  for (let next = arrivals.next(); next !== null; next = arrivals.next()) times.push(next);
  expect(times.length).toBe(arrivals.count);
  return times;
}

const gapsOf = (times: readonly number[]) => times.slice(1).map((time, index) => time - (times[index] ?? 0));
const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("arrivals", () => {
  const rates = [
    { from: 100, to: 100 },
    { from: 1, to: 400 },
    { from: 400, to: 1 },
    { from: 0.5, to: 0.5 },
  ];

  test.each(rates)("at %j are as many as the rate promises, in order and within the time", (rate) => {
    for (const spacing of ["poisson", "even"] as const) {
      const times = timesOf({ rate, spacing });
      expect(times.length).toBe(Math.round(((rate.from + rate.to) / 2) * 10));
      expect(times).toEqual(times.toSorted((one, other) => one - other));
      expect(times.at(0)).toBeGreaterThanOrEqual(0);
      expect(times.at(-1)).toBeLessThanOrEqual(10_000);
    }
  });

  test("spaced evenly keep one distance", () => {
    for (const gap of gapsOf(timesOf({ spacing: "even" }))) expect(gap).toBeCloseTo(10, 6);
  });

  test("on an even ramp are where the integral of the rate says", () => {
    const times = timesOf({ spacing: "even", rate: { from: 100, to: 300 } });
    for (const [index, time] of times.entries()) {
      const seconds = time / 1000;
      expect(100 * seconds + (20 * seconds ** 2) / 2).toBeCloseTo(index + 0.5, 6);
    }
  });

  test("at random have the gaps of a Poisson process: their deviation equals their mean, e⁻¹ are longer than it", () => {
    const gaps = gapsOf(timesOf({ durationMs: 300_000 }));
    const mean = meanOf(gaps);
    const deviation = Math.sqrt(meanOf(gaps.map((gap) => (gap - mean) ** 2)));
    expect(mean).toBeCloseTo(10, 0);
    expect(deviation / mean).toBeCloseTo(1, 1);
    expect(gaps.filter((gap) => gap > mean).length / gaps.length).toBeCloseTo(Math.exp(-1), 1);
  });

  test("at random on a ramp become denser with the rate", () => {
    const times = timesOf({ rate: { from: 100, to: 300 }, durationMs: 100_000 });
    const inFirstHalf = times.filter((time) => time < 50_000).length;
    expect(inFirstHalf / times.length).toBeCloseTo(150 / 400, 1);
  });

  test("stay within the time when the dice fall as they never do", () => {
    for (const random of [() => 0, () => 1 - 2 ** -53]) {
      const times = timesOf({ random });
      expect(times.at(-1)).toBeLessThanOrEqual(10_000);
      expect(times.every((time) => Number.isFinite(time))).toBe(true);
    }
  });

  test("are none when the rate and the time make less than half a request", () => {
    expect(timesOf({ durationMs: 0 })).toEqual([]);
  });
});
