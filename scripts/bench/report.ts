import { counted, countText } from "../quantities.ts";
import type { ContenderName } from "./contenders.ts";
import type { Sample } from "./measure.ts";
import type { ByContender, HalfLoad, Results } from "./results.ts";
import { median, type Ratio } from "./rounds.ts";
import { cpuRatio, rateRatio, ratioBetween, targets, verdictOf } from "./targets.ts";
import { type WorkloadName, workloadNames, workloads } from "./workloads.ts";

/** The whole run as text, before it is formatted as Markdown or for a terminal. */
export interface Report {
  /** The conditions under which it was measured. */
  readonly facts: readonly string[];
  readonly tables: readonly Table[];
}

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  /** The cells of each row, as many as the head has. */
  readonly rows: readonly (readonly string[])[];
}

const contenderTitles: Readonly<Record<ContenderName, string>> = {
  bare: "bare Bun.serve",
  "guard-off": "sidecar, guard off",
  "guard-on": "sidecar",
  fastify: "Fastify on Node",
  express: "Express on Node",
  sample: "OwnID's sample on Node",
};

export function reportOf(results: Results): Report {
  const { plan, machine, versions, commit, date, halfLoad } = results;
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return {
    facts: [
      `${date}, commit ${commit}, ${machine.cores} × ${machine.cpu}, ${machine.system}`,
      software.join(", "),
      `${counted(plan.rounds, "round")} of ${plan.seconds} s, ${counted(plan.connections, "connection")}; medians, with every round in brackets`,
    ],
    tables: [
      ...workloadNames.flatMap((name) => workloadTable(name, results.workloads[name])),
      ...(halfLoad === null ? [] : [halfLoadTable(halfLoad)]),
      ...(plan.isWarm ? [targetTable(results)] : []),
    ],
  };
}

function workloadTable(name: WorkloadName, measured: ByContender<Sample> | undefined): Table[] {
  if (measured === undefined) return [];
  const rows = entriesOf(measured).map(([contender, { median }]) => [
    contenderTitles[contender],
    thousands(median.requestsPerSecond),
    median.cpuUs.toFixed(1),
    latencyText(median.latencyMs),
    median.residentMiB.toFixed(0),
    ratioText(rateRatio(measured, contender, "bare")),
    ratioText(cpuRatio(measured, "bare", contender)),
  ]);
  const figures = ["requests/s", "CPU µs", "p50 p95 p99 ms", "MiB"];
  const head = ["", ...figures, "requests/s ÷ bare's", "bare's CPU ÷ its own"];
  return [{ title: workloads[name].title, head, rows }];
}

function halfLoadTable({ bareRates, contenders }: HalfLoad): Table {
  const bareRate = median(bareRates);
  return {
    title: `the first lookup at half of bare's ${thousands(bareRate)}: target ${thousands(bareRate / 2)} requests/s`,
    head: ["", "requests/s", "p50 p95 p99 ms", "p99 in each round", "p99 ÷ bare's"],
    rows: entriesOf(contenders).map(([contender, { median: middle, rounds }]) => [
      contenderTitles[contender],
      thousands(middle.requestsPerSecond),
      latencyText(middle.latencyMs),
      rounds.map(({ latencyMs }) => milliseconds(latencyMs.p99)).join(" "),
      ratioText(ratioBetween(contenders, contender, "bare", ({ latencyMs }) => latencyMs.p99)),
    ]),
  };
}

function targetTable(results: Results): Table {
  return {
    title: "targets",
    head: ["", "ratio", "required", "aim", "result"],
    rows: targets.map((target) => {
      const ratio = target.ratio(results);
      const required = `${target.compare} ${target.required}`;
      const verdict = target.isInformation ? "for information" : verdictOf(target, ratio);
      return [target.title, ratio?.median.toFixed(2) ?? "", required, String(target.aim), verdict];
    }),
  };
}

/** Returns the contenders in a fixed order, since JSON need not keep their order. */
function entriesOf<Figures>(measured: ByContender<Figures>) {
  const order: readonly ContenderName[] = ["bare", "guard-off", "guard-on", "fastify", "express", "sample"];
  return order.flatMap((name) => {
    const figures = measured[name];
    return figures === undefined ? [] : [[name, figures] as const];
  });
}

const thousands = (figure: number) => countText(Math.round(figure));
const milliseconds = (ms: number) => ms.toFixed(ms < 10 ? 2 : 1);
const latencyText = ({ p50, p95, p99 }: Sample["latencyMs"]) => [p50, p95, p99].map(milliseconds).join("  ");

function ratioText(ratio: Ratio | null): string {
  if (ratio === null) return "";
  const rounds = ratio.rounds.map((round) => round.toFixed(2)).join(" ");
  return `${ratio.median.toFixed(2)} (${rounds})`;
}
