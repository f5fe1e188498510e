import { afterAll, setDefaultTimeout } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stopAllServers } from "./running-servers.ts";

if (!existsSync(join(import.meta.dir, "../../node_modules"))) installPackagesAndRunAgain();

// Real servers may have to be installed and started first.
setDefaultTimeout(30_000);
afterAll(stopAllServers);

/**
 * For a plain `bun test` in a fresh clone, where no script has installed packages. This process has looked for
 * them already and will not look again, so a new one with the same arguments runs the tests.
 */
function installPackagesAndRunAgain(): never {
  const cwd = join(import.meta.dir, "../..");
  const install = Bun.spawnSync([process.execPath, "install", "--frozen-lockfile"], { cwd });
  if (!install.success) throw new Error(`bun install failed:\n${install.stderr.toString()}`);
  const ownCommand = "/proc/self/cmdline";
  if (!existsSync(ownCommand)) throw new Error("the packages were missing and are installed now: run again");
  const [, ...args] = readFileSync(ownCommand, "utf8").split("\0").slice(0, -1);
  const again = Bun.spawnSync([process.execPath, ...args], { stdio: ["inherit", "inherit", "inherit"] });
  process.exit(again.exitCode ?? 1);
}
