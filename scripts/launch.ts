import { join } from "node:path";
import { commands } from "./commands.ts";
import { endWithNpm } from "./end-with-npm.ts";
import { PackagesMissing, providePackages } from "./packages.ts";

/**
 * What package.json runs: `bun scripts/launch.ts <command> …` installs missing packages and runs the command in this
 * same process. Without a command, it installs all packages. The command's own file is imported afterwards.
 */

endWithNpm();
const [, launcher = "", name] = process.argv;
const command = name === undefined ? undefined : commands[name];
try {
  await providePackages(join(import.meta.dir, ".."), command?.needs ?? "devDependencies");
} catch (error) {
  if (!(error instanceof PackagesMissing)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
// The command sees the same arguments as if its own file had been started.
process.argv.splice(1, 2, launcher);
await command?.run();
