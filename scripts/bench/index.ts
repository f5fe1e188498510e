import type { ParseArgsOptionsConfig } from "node:util";
import { type Command, runCommand } from "../command.ts";
import { showStep } from "../progress.ts";
import { ServerUnavailable } from "../servers/server-binaries.ts";
import { compare } from "./compare.ts";
import { gate } from "./gate/gate.ts";
import { LookupsWrong } from "./gate/lookups.ts";
import { AnswersWrong } from "./measure.ts";

/** What can be measured. The first operand names it; without one it is the comparison. */
const measurements: ReadonlyMap<string, () => Promise<void>> = new Map([
  ["compare", () => measureWith(compare)],
  ["gate", () => measureWith(gate)],
]);

const [first = ""] = process.argv.slice(2);
await (measurements.get(first) ?? (() => measureWith(compare)))();

/** Runs it. Where a server is missing or answers wrongly, nothing can be measured: it says so and ends with status 1. */
function measureWith<Options extends ParseArgsOptionsConfig>(command: Command<Options>): Promise<void> {
  return runCommand({
    ...command,
    async run(operands, options) {
      try {
        return await command.run(operands, options);
      } catch (error) {
        const isServerWrong = error instanceof AnswersWrong || error instanceof LookupsWrong;
        if (!(isServerWrong || error instanceof ServerUnavailable)) throw error;
        showStep("");
        process.stderr.write(`${error.message}\n`);
        return 1;
      }
    },
  });
}
