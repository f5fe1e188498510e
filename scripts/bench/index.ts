import { runCommand } from "../command.ts";
import { compare } from "./compare.ts";
import { gate } from "./gate/gate.ts";
import { growth } from "./growth/growth.ts";
import { micro } from "./micro/micro.ts";
import { startUp } from "./start-up/start-up.ts";

/** What can be measured. The first operand names it; without one it is the comparison. */
const measurements: Readonly<Record<string, () => Promise<void>>> = {
  compare: () => runCommand(compare),
  micro: () => runCommand(micro),
  growth: () => runCommand(growth),
  "start-up": () => runCommand(startUp),
  gate: () => runCommand(gate),
};

const [first = ""] = process.argv.slice(2);
const run = measurements[first] ?? measurements.compare;
await run?.();
