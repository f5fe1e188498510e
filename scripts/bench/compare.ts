import { join } from "node:path";
import { columnsOf, describeEach } from "../columns.ts";
import { type Command, type ExitStatus, UsageWrong } from "../command.ts";
import { showStep } from "../progress.ts";
import { parseInteger } from "../quantities.ts";
import { builtSidecar } from "./built-sidecar.ts";
import { chartOf } from "./chart.ts";
import { type Contender, nodePath } from "./contenders.ts";
import { halfLoadMeasurements, measureHalfLoad } from "./half-load.ts";
import { markdownOf } from "./markdown.ts";
import { measure, type Plan } from "./measure.ts";
import { describeSetting, medianSample, type Results } from "./results.ts";
import { measureInTurn } from "./rounds.ts";
import { type Site, startSite } from "./site.ts";
import { countSteps } from "./steps.ts";
import { tablesOf } from "./table.ts";
import { missesPerSecondMax, type WorkloadName, workloadNames, workloads } from "./workloads.ts";
import { wrkPath } from "./wrk.ts";

const help = `Compares the sidecar with other servers that do its work. Each runs in a fresh
process, one after another, over one Redis and one Postgres that this command
starts. Requests are signed beforehand, and answers are checked before anything
is timed.

  bun run bench
  bun run bench compare --workload hit --workload half --rounds 7
  bun run bench --report

  --workload NAME  measure only this workload; may be given several times
  --rounds N       how often each server is measured (default 5)
  --seconds N      length of each measurement (default 2). The workload half
                   takes three times as long
  --quick          run one short round without a warm-up, to see that
                   everything works. Its results are not meaningful
  --report         write RESULTS.md, results.json and the chart of README.md
  --json           print JSON

Workloads:

${describeEach([
  ...Object.entries(workloads).map(([name, { title }]) => [name, title] as const),
  ["half", "hit at half of bare's rate, which shows the latency without saturation"],
])}

To find out whether a lookup has become clearly more expensive, run
\`bun run bench gate\`.

Exits 0 if every answer was right, even if a target is not met. Exits 1 if an
answer was wrong or a server is missing, 2 on wrong usage.
`;

const options = {
  workload: { type: "string", multiple: true, default: [] as string[] },
  rounds: { type: "string", default: "5" },
  seconds: { type: "string", default: "2" },
  quick: { type: "boolean", default: false },
  report: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
} as const;

const upTo60 = { least: 1, most: 60 };

const resultsFile = join(import.meta.dir, "results.json");
const markdownFile = join(import.meta.dir, "RESULTS.md");
const chartFile = join(import.meta.dir, "chart.svg");

export const compare: Command<typeof options> = {
  help,
  options,
  async run(operands, chosen): Promise<ExitStatus> {
    if (operands.some((operand) => operand !== "compare")) {
      throw new UsageWrong("Only compare or gate can follow. Name workloads with --workload.");
    }
    const names = chooseWorkloads(chosen.workload);
    if (chosen.report && (chosen.quick || names.length < choices.length)) {
      throw new UsageWrong("--report saves a complete run. Do not combine it with --quick or --workload.");
    }
    if (chosen.report && nodePath() === null) {
      throw new UsageWrong(
        "--report saves a complete run, but Node was not found, on which three of the servers run.",
      );
    }
    const plan: Plan = chosen.quick
      ? { rounds: 1, seconds: 1, connections: 16, isWarm: false }
      : {
          rounds: parseInteger("rounds", chosen.rounds, upTo60),
          seconds: parseInteger("seconds", chosen.seconds, upTo60),
          connections: 64,
          isWarm: true,
        };
    if (nodePath() === null && names.includes("hit")) {
      process.stderr.write("Node was not found, so fastify, express and sample are left out.\n");
    }
    await builtSidecar();
    wrkPath();
    showStep("starting Redis and Postgres, and filling them with users");
    const cold = names.includes("miss") ? missesPerSecondMax * plan.seconds : 0;
    const size = chosen.quick ? quickSite : { users: usersOf(20_000) };
    await using site = await startSite({ ...size, users: { ...size.users, cold } });
    const results = await compareAll(site, plan, names);
    if (chosen.report) await save(results);
    process.stdout.write(chosen.json ? jsonOf(results) : tablesOf(results, columnsOf(process.stdout)));
    return 0;
  },
};

type Choice = WorkloadName | "half";
const choices: readonly Choice[] = [...workloadNames, "half"];

function chooseWorkloads(wanted: readonly string[]): readonly Choice[] {
  const unknown = wanted.filter((word) => !choices.some((name) => name === word));
  if (unknown.length > 0) throw new UsageWrong(`There is no workload ${unknown.join(", ")}.`);
  return wanted.length === 0 ? choices : choices.filter((name) => wanted.includes(name));
}

const usersOf = (count: number) => ({ user: count, writer: count, unhashed: count });
const quickSite = { users: usersOf(500), statementMs: 1000 };

async function compareAll(site: Site, plan: Plan, names: readonly Choice[]): Promise<Results> {
  const setting = await describeSetting(site, plan);
  const measured: Results["workloads"] = {};
  const measurements = names.map((name) =>
    name === "half" ? halfLoadMeasurements : contendersAt(name).length,
  );
  const perRound = measurements.reduce((sum, count) => sum + count);
  const begin = countSteps(perRound * plan.rounds);
  for (const name of workloadNames.filter((name) => names.includes(name))) {
    measured[name] = await compareAt(name, site, plan, begin);
  }
  const halfLoad = names.includes("half") ? await measureHalfLoad(site, plan, begin) : null;
  showStep("");
  return { ...setting, workloads: measured, halfLoad };
}

function contendersAt(name: WorkloadName): Contender[] {
  return workloads[name].contenders.filter(({ runsOn }) => runsOn === "bun" || nodePath() !== null);
}

async function compareAt(name: WorkloadName, site: Site, plan: Plan, begin: (what: string) => void) {
  const workload = workloads[name];
  const contenders = contendersAt(name);
  const samples = await measureInTurn(contenders, plan.rounds, (contender, round) => {
    begin(`${name}, round ${round + 1} of ${plan.rounds}, ${contender.name}`);
    return measure({ ...plan, site, workload, contender });
  });
  return Object.fromEntries(
    contenders.map((contender) => [contender.name, medianSample(samples.get(contender) ?? [])]),
  );
}

async function save(results: Results): Promise<void> {
  await Bun.write(resultsFile, jsonOf(results));
  await Bun.write(markdownFile, markdownOf(results));
  await Bun.write(chartFile, chartOf(results));
}

/** Formats the results with at most three decimals, since the measurements are no more precise. */
function jsonOf(results: Results): string {
  const round = (_: string, value: unknown) => (typeof value === "number" ? Number(value.toFixed(3)) : value);
  return `${JSON.stringify(results, round, 2)}\n`;
}
