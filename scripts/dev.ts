import { join } from "node:path";
import { refuseOperands, runCommand } from "./command.ts";

const help = `Runs the sidecar from its source and restarts it whenever a file changes.

  bun run dev

Ctrl-C ends it. It exits 0 then, 2 on wrong usage, and 78 if a setting is wrong.
`;

await runCommand({
  help,
  options: {},
  async run(operands) {
    refuseOperands(operands, "dev");
    const entry = join(import.meta.dir, "../src/index.ts");
    // The sidecar replaces this process, so that signals reach it.
    process.execve?.(process.execPath, [process.execPath, "--watch", entry], process.env);
    return 1;
  },
});
