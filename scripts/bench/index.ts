import { runCommand } from "../command.ts";
import { compare } from "./compare.ts";

/** What can be measured. The first operand names it; without one it is the comparison. */
const measurements: Readonly<Record<string, () => Promise<void>>> = {
  compare: () => runCommand(compare),
};

const [first = ""] = process.argv.slice(2);
const run = measurements[first] ?? measurements.compare;
await run?.();
