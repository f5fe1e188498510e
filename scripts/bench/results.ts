import { cpus, release, type } from "node:os";
import packageJson from "../../package.json";
import { programPath } from "../servers/server-binaries.ts";
import { sourceCommit } from "../source-commit.ts";
import { type ContenderName, nodePath } from "./contenders.ts";
import type { Plan, Sample } from "./measure.ts";
import { valueBytes } from "./population.ts";
import { median } from "./rounds.ts";
import type { Site } from "./site.ts";
import type { WorkloadName } from "./workloads.ts";
import { type LatencyMs, wrkPath } from "./wrk.ts";

/** The values of one contender: the median of each, and every round in order. */
export interface Measured<Figures> {
  readonly median: Figures;
  readonly rounds: readonly Figures[];
}

/** The values by contender, in the order of the workload's list. */
export type ByContender<Figures> = Partial<Record<ContenderName, Measured<Figures>>>;

export interface HalfLoad {
  /** The rate of `bare` without pauses, in requests per second, for each round. */
  readonly bareRates: readonly number[];
  readonly contenders: ByContender<Sample>;
}

/** The results of a run and the conditions under which it was measured. They are saved as JSON. */
export interface Results {
  readonly date: string;
  readonly commit: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly system: string };
  readonly versions: Readonly<Record<string, string>>;
  readonly plan: Plan & { readonly users: Site["users"]; readonly valueBytes: number };
  readonly workloads: Partial<Record<WorkloadName, ByContender<Sample>>>;
  readonly halfLoad: HalfLoad | null;
}

export async function describeSetting(
  site: Site,
  plan: Plan,
): Promise<Omit<Results, "workloads" | "halfLoad">> {
  const [first] = cpus();
  const node = nodePath();
  const commit = sourceCommit("src");
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commit === null ? "unknown" : `${commit.id}${commit.isChanged ? " with changes" : ""}`,
    machine: {
      cpu: first?.model.trim() ?? "unknown",
      cores: cpus().length,
      system: `${type()} ${release()}`,
    },
    versions: {
      Bun: Bun.version,
      Node: node === null ? "none" : versionIn(printed([node, "--version"])),
      Redis: versionIn(printed([programPath("redis-server"), "--version"])),
      Postgres: versionIn(printed([programPath("postgres"), "--version"])),
      wrk: versionIn(printed([wrkPath(), "--version"])),
      elysia: packageJson.dependencies.elysia,
      ioredis: packageJson.dependencies.ioredis,
      jose: packageJson.dependencies.jose,
      fastify: packageJson.devDependencies.fastify,
      express: packageJson.devDependencies.express,
    },
    plan: { ...plan, users: site.users, valueBytes },
  };
}

/** Returns the median of each value separately. The medians need not come from the same round. */
export function medianSample(rounds: readonly Sample[]): Measured<Sample> {
  const of = (figure: (sample: Sample) => number) => median(rounds.map(figure));
  return {
    median: {
      requests: of(({ requests }) => requests),
      requestsPerSecond: of(({ requestsPerSecond }) => requestsPerSecond),
      cpuUs: of(({ cpuUs }) => cpuUs),
      latencyMs: medianLatency(rounds.map(({ latencyMs }) => latencyMs)),
      residentMiB: of(({ residentMiB }) => residentMiB),
    },
    rounds,
  };
}

function medianLatency(rounds: readonly LatencyMs[]): LatencyMs {
  return {
    p50: median(rounds.map(({ p50 }) => p50)),
    p95: median(rounds.map(({ p95 }) => p95)),
    p99: median(rounds.map(({ p99 }) => p99)),
  };
}

function printed(argv: readonly string[]): string {
  const { stdout, stderr } = Bun.spawnSync([...argv], { stderr: "pipe" });
  return (stdout.toString() || stderr.toString()).trim();
}

const versionIn = (text: string) => /\d+\.\d+(?:\.\d+)?/.exec(text)?.[0] ?? "unknown";
