import type { GrowthResult } from "./measure-growth.ts";

export interface Target {
  readonly name: string;
  readonly measured: number;
  readonly bound: "at least" | "at most";
  readonly target: number;
  readonly aim: number;
  readonly isMet: boolean;
}

/** What must hold between the smallest population and the largest. */
export function growthTargets({ throughput, memory, resident }: GrowthResult): Target[] {
  const largest = memory.at(-1);
  const rate = throughput.at(-1)?.overSmallest.median ?? Number.NaN;
  const size = largest === undefined ? Number.NaN : largest.hash / largest.string;
  return [
    target("requests/s, the largest population over the smallest", rate, "at least", 0.9, 0.97),
    target("Redis memory for a user, over a plain string", size, "at most", 1.25, 1.15),
    ...resident.map(({ replayProtection, steps }) => {
      const grown = (steps.at(-1)?.bytes ?? Number.NaN) / (steps[0]?.bytes ?? Number.NaN);
      const name = `the sidecar's memory after the most lookups, over that after the fewest, guard ${replayProtection}`;
      return target(name, grown, "at most", 1.2, 1.1);
    }),
  ];
}

function target(name: string, measured: number, bound: Target["bound"], wanted: number, aim: number): Target {
  const isMet = bound === "at least" ? measured >= wanted : measured <= wanted;
  return { name, measured, bound, target: wanted, aim, isMet };
}
