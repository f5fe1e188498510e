import { join } from "node:path";
import { describeEach } from "../columns.ts";
import { type ExitStatus, runCommand, UsageWrong } from "../command.ts";
import { showStep, tell } from "../progress.ts";
import { stopAllServers } from "../servers/running-servers.ts";
import { ServerUnavailable } from "../servers/server-binaries.ts";
import { experiments } from "./experiments.ts";
import type { Experiment, Size } from "./harness/experiment.ts";
import { describeSetting, markdownOf, type Result, tableOf } from "./report.ts";

const help = `Runs the fault experiments: real sidecars over a real Redis and database that
are killed, cut off and restored.

  bun run faults
  bun run faults --full --report
  bun run faults --experiment kill-redis --experiment moving-slots

  --experiment ID  run only this experiment; may be given several times
  --full           run each experiment for longer and with more faults than
                   the tests do. All of them take 35 minutes
  --report [FILE]  write the result as Markdown
                   (default scripts/faults/REPORT.md)
  --json           print JSON

Exits 0 if everything holds, 1 if anything does not, 2 on wrong usage.

The experiments:

${describeEach(experiments.map(({ id, title }) => [id, title]))}
`;

const defaultReport = join(import.meta.dir, "REPORT.md");

await runCommand({
  help,
  options: {
    experiment: { type: "string", multiple: true, default: [] },
    full: { type: "boolean", default: false },
    report: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
  async run(operands, options): Promise<ExitStatus> {
    if (operands.length > (options.report ? 1 : 0))
      throw new UsageWrong("Name experiments with --experiment.");
    const chosen = choose(options.experiment);
    const reportFile = options.report ? (operands[0] ?? defaultReport) : null;
    try {
      return await runAll(chosen, { ...options, reportFile });
    } catch (error) {
      showStep("");
      if (!(error instanceof ServerUnavailable)) throw error;
      tell(`${error.message}\n`);
      return 1;
    }
  },
});

interface RunOptions {
  readonly full: boolean;
  readonly json: boolean;
  readonly reportFile: string | null;
}

/**
 * Runs the experiments one after another.
 *
 * @throws {ServerUnavailable}
 */
async function runAll(
  chosen: readonly Experiment[],
  { full, json, reportFile }: RunOptions,
): Promise<ExitStatus> {
  showStep("starting Redis and Postgres");
  const setting = await describeSetting();
  const results: Result[] = [];
  try {
    for (const experiment of chosen) {
      results.push(await runOne(experiment, full ? "full" : "small"));
      // Write the report after each experiment, so that an interrupted run loses nothing.
      if (reportFile !== null) await Bun.write(reportFile, markdownOf(setting, results));
    }
  } finally {
    await stopAllServers();
  }
  process.stdout.write(json ? `${JSON.stringify({ ...setting, results }, null, 2)}\n` : tableOf(results));
  return results.every(({ verdict }) => verdict.failures.length === 0) ? 0 : 1;
}

function choose(wanted: readonly string[]): readonly Experiment[] {
  const unknown = wanted.filter((id) => !experiments.some((experiment) => experiment.id === id));
  if (unknown.length > 0) throw new UsageWrong(`There is no experiment ${unknown.join(", ")}.`);
  return wanted.length === 0 ? experiments : experiments.filter(({ id }) => wanted.includes(id));
}

async function runOne(experiment: Experiment, size: Size): Promise<Result> {
  const startedAt = performance.now();
  const { id, title, passes } = experiment;
  const verdict = await experiment.run(size, (text) => showStep(`${id}: ${text}`));
  const seconds = (performance.now() - startedAt) / 1000;
  showStep("");
  tell(`${id}: ${verdict.failures.length === 0 ? "holds" : "fails"} after ${Math.round(seconds)} s\n`);
  return { experiment: { id, title, passes }, size, seconds, verdict };
}
