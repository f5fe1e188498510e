import { describe, expect, test } from "bun:test";
import { sizingMarkdown } from "../../scripts/bench/growth/growth-report.ts";
import { growthTargets } from "../../scripts/bench/growth/growth-targets.ts";
import type { GrowthResult } from "../../scripts/bench/growth/measure-growth.ts";

const rounds = [{ requestsPerSecond: 20_000, sidecarUs: 30, redisUs: 3 }];
const same = { median: 1, rounds: [1] };

function resultOf(rate: number, hash: number, residentAtLast: number): GrowthResult {
  const steps = [
    { lookups: 10, bytes: 100e6 },
    { lookups: 1000, bytes: residentAtLast },
  ];
  return {
    throughput: [
      { users: 10, rounds, overSmallest: same, cpuOverSmallest: same },
      { users: 1000, rounds, overSmallest: { median: rate, rounds: [rate] }, cpuOverSmallest: same },
    ],
    memory: [
      { users: 10, hash: 9999, string: 1, hashAlone: 9999, stringAlone: 1 },
      { users: 1000, hash, string: 1000, hashAlone: hash, stringAlone: 1000 },
    ],
    bytesPerSignature: 200,
    resident: [
      { replayProtection: "off", steps },
      { replayProtection: "all", steps },
    ],
  };
}

describe("the targets of growth", () => {
  const met = (result: GrowthResult) => growthTargets(result).map(({ isMet }) => isMet);

  test("are met at their bounds, which belong to what is allowed", () => {
    expect(met(resultOf(0.9, 1250, 120e6))).toEqual([true, true, true, true]);
  });

  test("are missed each by itself", () => {
    expect(met(resultOf(0.89, 1250, 120e6))).toEqual([false, true, true, true]);
    expect(met(resultOf(0.9, 1251, 120e6))).toEqual([true, false, true, true]);
    expect(met(resultOf(0.9, 1250, 121e6))).toEqual([true, true, false, false]);
  });

  test("are not met by what was not measured", () => {
    const { resident, ...rest } = resultOf(1, 1000, 100e6);
    expect(met({ ...rest, throughput: [], memory: [], resident: [] })).toEqual([false, false]);
    expect(resident).toHaveLength(2);
  });
});

describe("the sizing section", () => {
  test("says what the largest population takes for each user, and 125 seconds of signatures", () => {
    const section = sizingMarkdown(resultOf(1, 1024 * 1.024, 100e6));
    expect(section).toContain("takes 1,049 bytes in Redis");
    // 1,000,000 × 1,048.576 bytes; 1,000 × 125 × 200 bytes.
    expect(section).toContain("| 1,000,000 | 1,000 MiB | 1,000 | 24 MiB |");
  });
});
