import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../src/error-code.ts";
import { withRunner } from "../src/process/greeting.ts";
import { type ExitStatus, refuseOperands, runCommand } from "./command.ts";

const help = `Checks the source: style and types, and then the tests that need no server.

  bun run check          style, types and tests
  bun run check:static   style and types only
  bun run fix            correct the style, and what the linter can correct

Exits 0 if every check passes, 1 if one does not or something is left to
correct by hand, 2 on wrong usage.
`;

const root = join(import.meta.dir, "..");
const biome = join(root, "node_modules/.bin/biome");
const source = join(root, "src");
const checks = [
  [biome, "check", "."],
  [process.execPath, "check", "--no-script"],
  // Code that runs in a browser has other globals.
  [process.execPath, "check", "--no-script", "--project", "scripts/emulator"],
];
const fixes = [[biome, "check", "--write", "."]];
const tests = [process.execPath, "scripts/test.ts", "test/unit", "test/http"];

await runCommand({
  help,
  options: { static: { type: "boolean", default: false }, fix: { type: "boolean", default: false } },
  async run(operands, options) {
    refuseOperands(operands, "check");
    if (!options.fix) return runAll(options.static ? checks : [...checks, tests]);
    const reason = whyNotWritable();
    if (reason === null) return runAll(fixes);
    const refusal = `This account cannot write to ${source} (${reason}), so nothing was corrected.`;
    process.stderr.write(withRunner(`${refusal} As the account that owns it, run: bun run fix\n`));
    return 1;
  },
});

async function runAll(commands: readonly string[][]): Promise<ExitStatus> {
  for (const argv of commands) {
    const child = Bun.spawn(argv, { cwd: root, stdio: ["inherit", "inherit", "inherit"] });
    if ((await child.exited) !== 0) return 1;
  }
  return 0;
}

/** Returns the system's reason. Without it, Biome would report one error for each file. */
function whyNotWritable(): string | null {
  try {
    accessSync(source, constants.W_OK);
    return null;
  } catch (error) {
    return codeOf(error);
  }
}
