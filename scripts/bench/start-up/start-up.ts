import { type Command, type ExitStatus, UsageWrong } from "../../command.ts";
import { showStep } from "../../progress.ts";
import { parseWhole } from "../../quantities.ts";
import { textTable } from "../../text-table.ts";
import { writeResult } from "../json-output.ts";
import { measureStartUp, medianStart, type Started, type StartUpResult } from "./measure-start-up.ts";

const target = 2.5;
const aim = 2;

const help = `Measures the time from the start of the sidecar's process to its first answer,
beside bare, the smallest server that does the same work. The sidecar is started
from dist/, as \`bun run start\` and the image do, and from its source.

  bun run bench start-up
  bun run bench start-up --rounds 21 --json start-up.json

  --rounds N     how often each is started (default 11)
  --json [FILE]  print JSON, or write it to the file

Exits 0 if every answer was right, also if a target is not met. Exits 1 if an
answer was wrong or a server is missing, 2 on wrong usage.
`;

const options = {
  rounds: { type: "string", default: "11" },
  json: { type: "boolean", default: false },
} as const;

export const startUp: Command<typeof options> = {
  help,
  options,
  async run([, file, ...others], { rounds, json }): Promise<ExitStatus> {
    if (others.length > 0 || (file !== undefined && !json)) throw new UsageWrong("Only --json takes a file.");
    const count = parseWhole("rounds", rounds, { least: 1, most: 200 });
    const result = await measureStartUp(count, showStep);
    showStep("");
    await writeResult({ result: { ...result, target, aim }, text: tableOf(result), json, file });
    return 0;
  },
};

function tableOf({ starts, ready, cpu }: StartUpResult): string {
  const timesOf = (name: Started) => {
    const { readyMs, cpuMs } = medianStart(starts[name]);
    const each = starts[name].map((start) => start.readyMs.toFixed(0)).join(" ");
    return [name, readyMs.toFixed(0), cpuMs.toFixed(0), each];
  };
  const ratiosOf = (name: "build" | "source") => {
    const each = ready[name].rounds.map((ratio) => ratio.toFixed(2)).join(" ");
    const verdict = ready[name].median <= target ? "met" : "NOT MET";
    return [name, ready[name].median.toFixed(2), cpu[name].median.toFixed(2), each, verdict];
  };
  const times = textTable(
    ["", "ready", "CPU", "ready, each start"],
    [timesOf("bare"), timesOf("build"), timesOf("source")],
  );
  const ratios = textTable(
    ["", "ready", "CPU", "ready, each start", "result"],
    [ratiosOf("build"), ratiosOf("source")],
  );
  return `From the start of the process to its first answer, ms, medians
${times}

The same over bare. Required: ready at most ${target} (aim ${aim})
${ratios}
`;
}
