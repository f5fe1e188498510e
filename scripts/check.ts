import { join } from "node:path";
import { runCommand, UsageWrong } from "./command.ts";

const help = `Checks the source: style and types, and then the tests that need no server.

  bun run check          style, types and tests
  bun run check:static   style and types only
  bun run fix            correct the style

Exits 0 if every check passes, 1 if one does not.
`;

const biome = join(import.meta.dir, "../node_modules/.bin/biome");
const checks = [
  [biome, "check", "."],
  [process.execPath, "check", "--no-script"],
];
const tests = [process.execPath, "test", "test/unit", "test/http"];

await runCommand({
  help,
  options: { static: { type: "boolean", default: false } },
  async run(operands, options) {
    if (operands.length > 0) throw new UsageWrong("bun run check takes no operands.");
    for (const argv of options.static ? checks : [...checks, tests]) {
      const stdio: ["inherit", "inherit", "inherit"] = ["inherit", "inherit", "inherit"];
      const child = Bun.spawn(argv, { cwd: join(import.meta.dir, ".."), stdio });
      if ((await child.exited) !== 0) return 1;
    }
    return 0;
  },
});
