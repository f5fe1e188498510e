import type { ParseArgsOptionsConfig } from "node:util";
import { type Command, runCommand } from "../command.ts";
import { showStep } from "../progress.ts";
import { ServerUnavailable } from "../servers/server-binaries.ts";
import { SidecarNotBuilt } from "./built-sidecar.ts";
import { compare } from "./compare.ts";
import { gate } from "./gate/gate.ts";
import { LookupsWrong } from "./gate/lookups.ts";
import { AnswersWrong } from "./measure.ts";

/** The measurements, by the first operand that selects them. Without an operand, the comparison runs. */
const measurements: ReadonlyMap<string, () => Promise<void>> = new Map([
  ["compare", () => measureWith(compare)],
  ["gate", () => measureWith(gate)],
]);

/** Errors that say why nothing can be measured. */
const expected = [AnswersWrong, LookupsWrong, ServerUnavailable, SidecarNotBuilt];

const [first = ""] = process.argv.slice(2);
await (measurements.get(first) ?? (() => measureWith(compare)))();

/** Runs a measurement. If nothing can be measured, it prints the reason and exits with status 1. */
function measureWith<Options extends ParseArgsOptionsConfig>(command: Command<Options>): Promise<void> {
  return runCommand({
    ...command,
    async run(operands, options) {
      try {
        return await command.run(operands, options);
      } catch (error) {
        if (!(error instanceof Error && expected.some((kind) => error instanceof kind))) throw error;
        showStep("");
        process.stderr.write(`${error.message}\n`);
        return 1;
      }
    },
  });
}
