import type { ContenderName } from "./contenders.ts";
import type { Sample } from "./measure.ts";
import type { ByContender, HalfLoad, Results } from "./results.ts";
import type { Ratio } from "./rounds.ts";
import { cpuRatio, rateRatio, targets, verdictOf } from "./targets.ts";
import { type WorkloadName, workloadNames, workloads } from "./workloads.ts";

export const contenderTitles: Readonly<Record<ContenderName, string>> = {
  bare: "bare Bun.serve",
  "guard-off": "sidecar, guard off",
  "guard-on": "sidecar",
  fastify: "Fastify on Node",
  express: "Express on Node",
  sample: "OwnID's sample",
};

/** The whole run as text for a terminal. */
export function tablesOf(results: Results): string {
  const { plan, machine, versions, commit, date } = results;
  const facts = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${date}, commit ${commit}, ${machine.cores} × ${machine.cpu}, ${machine.system}`,
    facts.join(", "),
    `${plan.rounds} rounds of ${plan.seconds} s, ${plan.connections} connections; medians`,
    ...workloadNames.flatMap((name) => workloadTable(name, results.workloads[name])),
    ...(results.halfLoad === null ? [] : halfLoadTable(results.halfLoad)),
    ...(plan.warmRequests === 0
      ? ["", "cold and short: this says that it works, not how fast it is"]
      : targetTable(results)),
    "",
  ].join("\n");
}

function workloadTable(name: WorkloadName, measured: ByContender<Sample> | undefined): string[] {
  if (measured === undefined) return [];
  const rows = contendersOf(measured).map((contender) => {
    const { median } = measured[contender] ?? {};
    if (median === undefined) return [];
    return [
      contenderTitles[contender],
      thousands(median.requestsPerSecond),
      median.cpuUs.toFixed(1),
      latencyText(median.latencyMs),
      median.residentMiB.toFixed(0),
      ratioText(rateRatio(measured, contender, "bare")),
      ratioText(cpuRatio(measured, "bare", contender)),
    ];
  });
  const head = [
    "",
    "requests/s",
    "CPU µs",
    "p50 p95 p99 ms",
    "MiB",
    "requests/s over bare's",
    "CPU of bare over its own",
  ];
  return ["", workloads[name].title, ...aligned([head, ...rows])];
}

function halfLoadTable({ perSecond, contenders }: HalfLoad): string[] {
  const rows = contendersOf(contenders).map((contender) => {
    const measured = contenders[contender];
    if (measured === undefined) return [];
    const p99s = measured.rounds.map(({ p99 }) => p99.toFixed(2)).join(" ");
    return [contenderTitles[contender], latencyText(measured.median), p99s];
  });
  const title = `the same lookup at half of bare's capacity: ${thousands(perSecond)} requests/s, sent whether or not it keeps up`;
  return ["", title, ...aligned([["", "p50 p95 p99 ms", "p99 in each round"], ...rows])];
}

function targetTable(results: Results): string[] {
  const rows = targets.map((target) => {
    const ratio = target.ratio(results);
    const bounds = `${target.compare} ${target.required}`;
    return [target.title, ratioText(ratio), bounds, String(target.aim), verdictOf(target, ratio)];
  });
  return ["", "targets", ...aligned([["", "ratio (rounds)", "required", "aim", ""], ...rows])];
}

const order: readonly ContenderName[] = ["bare", "guard-off", "guard-on", "fastify", "express", "sample"];

function contendersOf(measured: ByContender<unknown>): ContenderName[] {
  return order.filter((name) => measured[name] !== undefined);
}

const thousands = (figure: number) => Math.round(figure).toLocaleString("en-US");

const latencyText = ({ p50, p95, p99 }: Sample["latencyMs"]) =>
  [p50, p95, p99].map((ms) => ms.toFixed(ms < 10 ? 2 : 1)).join("  ");

function ratioText(ratio: Ratio | null): string {
  if (ratio === null) return "";
  const rounds = ratio.rounds.map((round) => round.toFixed(2)).join(" ");
  return `${ratio.median.toFixed(2)} (${rounds})`;
}

/** The first column begins where the others do; the rest end together. */
function aligned(rows: readonly string[][]): string[] {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return rows.map((row) => `  ${row.map(cell).join("   ")}`.trimEnd());
}
