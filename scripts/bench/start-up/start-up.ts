import { type Command, type ExitStatus, UsageWrong } from "../../command.ts";
import { showStep } from "../../progress.ts";
import { parseWhole } from "../../quantities.ts";
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
  const timeLine = (name: Started) => {
    const { readyMs, cpuMs } = medianStart(starts[name]);
    const each = starts[name].map((start) => start.readyMs.toFixed(0)).join(" ");
    return `${name.padEnd(8)} ${readyMs.toFixed(0).padStart(7)} ${cpuMs.toFixed(0).padStart(7)}   ${each}\n`;
  };
  const ratioLine = (name: "build" | "source") => {
    const isMet = ready[name].median <= target ? "met" : "NOT MET";
    const each = ready[name].rounds.map((ratio) => ratio.toFixed(2)).join(" ");
    const figures = `${ready[name].median.toFixed(2).padStart(7)} ${cpu[name].median.toFixed(2).padStart(7)}`;
    return `${name.padEnd(8)} ${figures}   ${each}   at most ${target} (aim ${aim}): ${isMet}\n`;
  };
  return `From the start of the process to its first answer, ms: medians, and each start
           ready     CPU
${timeLine("bare")}${timeLine("build")}${timeLine("source")}
Over bare
${ratioLine("build")}${ratioLine("source")}`;
}
