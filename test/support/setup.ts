import { afterAll, setDefaultTimeout } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { providePackages } from "../../scripts/packages.ts";
import { stopAllServers } from "../../scripts/servers/running-servers.ts";

if (await providePackages(join(import.meta.dir, "../.."), "devDependencies").catch(refuse)) runAgain();

// The tests talk to servers on this machine, which a proxy in the environment could not reach.
process.env.NO_PROXY = [process.env.NO_PROXY, "127.0.0.1", "::1", "localhost"].filter(Boolean).join(",");

// Real servers may have to be installed and started first. This applies to the first file only; `bun run test` passes the
// same timeout for every file.
setDefaultTimeout(30_000);
afterAll(stopAllServers);

function refuse(error: Error): never {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

/**
 * Starts the tests again in a new process with the same arguments. After a plain `bun test` in a fresh clone, this
 * process has already looked for packages and will not look again.
 */
function runAgain(): never {
  const ownCommand = "/proc/self/cmdline";
  if (!existsSync(ownCommand)) {
    refuse(new Error("The packages were missing and are installed now. Run the same command again."));
  }
  const [, ...args] = readFileSync(ownCommand, "utf8").split("\0").slice(0, -1);
  const again = Bun.spawnSync([process.execPath, ...args], { stdio: ["inherit", "inherit", "inherit"] });
  process.exit(again.exitCode ?? 1);
}
