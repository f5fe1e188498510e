import { join } from "node:path";
import { endWithNpm } from "./end-with-npm.ts";
import { type Needs, PackagesMissing, providePackages } from "./packages.ts";

/**
 * What package.json runs: `bun scripts/launch.ts <command> …` provides the packages and runs the command in this same
 * process; without a command, it provides all packages. A command's own file is imported only afterwards.
 */

interface Entry {
  readonly needs: Needs;
  readonly run: () => Promise<unknown>;
}

const commands: Readonly<Record<string, Entry>> = {
  start: { needs: "dependencies", run: () => import("./start.ts") },
  dev: { needs: "dependencies", run: () => import("./dev.ts") },
  build: { needs: "dependencies", run: () => import("./build.ts") },
  sign: { needs: "dependencies", run: () => import("./sign/index.ts") },
  keys: { needs: "dependencies", run: () => import("./keys.ts") },
  health: { needs: "dependencies", run: () => import("./health.ts") },
  doctor: { needs: "dependencies", run: () => import("./doctor/index.ts") },
  sync: { needs: "dependencies", run: () => import("./sync/index.ts") },
  loadtest: { needs: "devDependencies", run: () => import("./load/index.ts") },
  bench: { needs: "devDependencies", run: () => import("./bench/index.ts") },
  faults: { needs: "devDependencies", run: () => import("./faults.ts") },
  "quick-start": { needs: "devDependencies", run: () => import("./quick-start.ts") },
  check: { needs: "devDependencies", run: () => import("./check.ts") },
};

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
// The command sees the arguments that it would see if its own file had been started.
process.argv.splice(1, 2, launcher);
await command?.run();
