import type { ContenderName } from "./contenders.ts";
import type { Sample } from "./measure.ts";
import type { ByContender, Measured, Results } from "./results.ts";
import { type Ratio, ratioOf } from "./rounds.ts";
import type { WorkloadName } from "./workloads.ts";

/** A ratio that the sidecar should reach. Its two servers were measured in the same rounds. */
export interface Target {
  readonly title: string;
  readonly compare: "at least" | "at most";
  readonly required: number;
  readonly aim: number;
  /** Whether the ratio is shown but not judged, because the two servers do different work. */
  readonly isInformation: boolean;
  /** Returns `null` if this run did not measure it. */
  ratio(results: Results): Ratio | null;
}

const sidecars = { "guard-off": "guard off", "guard-on": "guard on" } as const;
type Sidecar = keyof typeof sidecars;

export const targets: readonly Target[] = [
  cpuTarget("lookup", "hit", "guard-off", [0.85, 0.95]),
  cpuTarget("lookup", "hit", "guard-on", [0.65, 0.8]),
  ...both((sidecar) => overOther("fastify", sidecar, [1.8, 2])),
  ...both((sidecar) => overOther("express", sidecar, [6, 8])),
  ...both((sidecar) => overOther("sample", sidecar, [5, 7])),
  ...both(tailTarget),
  ...both((sidecar) => cpuTarget("session", "session", sidecar, [0.85, 0.95])),
  ...both((sidecar) => rateTarget("session", "session", sidecar, [0.85, 0.95])),
  ...both((sidecar) => cpuTarget("set", "set", sidecar, [0.6, 0.75])),
  ...both((sidecar) => rateTarget("set", "set", sidecar, [0.6, 0.75])),
];

export type Verdict = "aim met" | "met" | "not met" | "not measured";

export function verdictOf(target: Target, ratio: Ratio | null): Verdict {
  if (ratio === null) return "not measured";
  const reaches = (bound: number) =>
    target.compare === "at least" ? ratio.median >= bound : ratio.median <= bound;
  return reaches(target.aim) ? "aim met" : reaches(target.required) ? "met" : "not met";
}

function both(create: (sidecar: Sidecar) => Target): Target[] {
  return [create("guard-off"), create("guard-on")];
}

type Bounds = readonly [required: number, aim: number];

function atLeast([required, aim]: Bounds) {
  return { compare: "at least", required, aim, isInformation: false } as const;
}

function cpuTarget(what: string, workload: WorkloadName, sidecar: Sidecar, bounds: Bounds): Target {
  return {
    ...atLeast(bounds),
    title: `${what}, ${sidecars[sidecar]}: bare's CPU ÷ its own`,
    ratio: ({ workloads }) => cpuRatio(workloads[workload], "bare", sidecar),
  };
}

function rateTarget(what: string, workload: WorkloadName, sidecar: Sidecar, bounds: Bounds): Target {
  return {
    ...atLeast(bounds),
    title: `${what}, ${sidecars[sidecar]}: requests/s ÷ bare's`,
    ratio: ({ workloads }) => rateRatio(workloads[workload], sidecar, "bare"),
  };
}

/** The sidecar is judged with its guard off, since none of the other servers has one. */
function overOther(other: "fastify" | "express" | "sample", sidecar: Sidecar, bounds: Bounds): Target {
  const hasGuard = sidecar === "guard-on";
  return {
    ...atLeast(bounds),
    title: `lookup, ${sidecars[sidecar]}: requests/s ÷ ${other}'s${hasGuard ? ", which has no guard" : ""}`,
    isInformation: hasGuard,
    ratio: ({ workloads }) => rateRatio(workloads.hit, sidecar, other),
  };
}

function tailTarget(sidecar: Sidecar): Target {
  return {
    ...{ compare: "at most", required: 1.5, aim: 1.2, isInformation: false },
    title: `lookup, ${sidecars[sidecar]}: p99 ÷ bare's at half of bare's capacity`,
    ratio: ({ halfLoad }) =>
      ratioBetween(halfLoad?.contenders, sidecar, "bare", ({ latencyMs }) => latencyMs.p99),
  };
}

/** Returns the CPU time per request of one contender divided by that of another. */
export function cpuRatio(
  measured: ByContender<Sample> | undefined,
  one: ContenderName,
  over: ContenderName,
): Ratio | null {
  return ratioBetween(measured, one, over, ({ cpuUs }) => cpuUs);
}

/** Returns the requests per second of one contender divided by those of another. */
export function rateRatio(
  measured: ByContender<Sample> | undefined,
  one: ContenderName,
  over: ContenderName,
): Ratio | null {
  return ratioBetween(measured, one, over, ({ requestsPerSecond }) => requestsPerSecond);
}

/** Returns a value of one contender divided by that of another, or `null` if either was not measured. */
export function ratioBetween<Figures>(
  measured: ByContender<Figures> | undefined,
  one: ContenderName,
  over: ContenderName,
  figure: (figures: Figures) => number,
): Ratio | null {
  const [a, b]: (Measured<Figures> | undefined)[] = [measured?.[one], measured?.[over]];
  if (a === undefined || b === undefined) return null;
  return ratioOf(a.rounds.map(figure), b.rounds.map(figure));
}
