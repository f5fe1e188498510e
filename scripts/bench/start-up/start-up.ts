import { type Command, type ExitStatus, UsageWrong } from "../../command.ts";
import { showStatus } from "../../status-line.ts";
import { writeResult } from "../json-output.ts";
import { measureStartUp, medianStart, type StartUpResult } from "./measure-start-up.ts";

const target = 2.5;
const aim = 2;

const help = `Measures how long the sidecar takes from the start of its process to its first answer, beside bare, the smallest
server that does the same work. Both are started in turn, over a real Redis.

  bun run bench start-up
  bun run bench start-up --rounds 21 --json start-up.json

  --rounds N     how often each is started (default 11)
  --json [FILE]  print JSON, or write it to the file

Exits 0 if both answered rightly each time. A target that is not met is a result, and no failure.
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
    const count = Number(rounds);
    if (!Number.isInteger(count) || count < 1 || count > 200)
      throw new UsageWrong("--rounds takes a whole number from 1 to 200.");
    const result = await measureStartUp(count, showStatus);
    showStatus("");
    const isMet = result.ready.median <= target;
    await writeResult({ result: { ...result, target, aim, isMet }, text: tableOf(result), json, file });
    return 0;
  },
};

function tableOf({ sidecar, bare, ready, cpu }: StartUpResult): string {
  const line = (name: string, starts: StartUpResult["bare"]) => {
    const { readyMs, cpuMs } = medianStart(starts);
    const each = starts.map((start) => start.readyMs.toFixed(0)).join(" ");
    return `${name.padEnd(8)} ${readyMs.toFixed(0).padStart(8)} ms ${cpuMs.toFixed(0).padStart(8)} ms   ${each}`;
  };
  const isMet = ready.median <= target ? "met" : "NOT MET";
  return `From the start of the process to its first answer: medians, and each start
            ready      CPU
${line("bare", bare)}
${line("sidecar", sidecar)}
ratio    ${ready.median.toFixed(2).padStart(8)}    ${cpu.median.toFixed(2).padStart(8)}      ${ready.rounds.map((ratio) => ratio.toFixed(2)).join(" ")}
target at most ${target} (aim ${aim}): ${isMet}
`;
}
