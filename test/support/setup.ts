import { afterAll } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { env, execPath, execve } from "node:process";
import { providePackages } from "../../scripts/packages.ts";
import { stopAllServers } from "../../scripts/servers/running-servers.ts";
import { testTimeout } from "../../scripts/test-timeout.ts";

const ownCommand = "/proc/self/cmdline";
/** The words of this process's command; empty where the system does not show them. */
const words = existsSync(ownCommand) ? readFileSync(ownCommand, "utf8").split("\0").slice(0, -1) : [];
/** Whether this is a plain `bun test`, whose timeout is 5 s. The words of Bun's worker processes always name theirs. */
const hasShortTimeout = words.length > 0 && !words.some((word) => word.startsWith("--timeout"));

const wereMissing = await providePackages(join(import.meta.dir, "../.."), "devDependencies").catch(refuse);
if (wereMissing || hasShortTimeout) runAgain();

// The tests talk to servers on this machine, which a proxy in the environment could not reach.
process.env.NO_PROXY = [process.env.NO_PROXY, "127.0.0.1", "::1", "localhost"].filter(Boolean).join(",");

afterAll(stopAllServers);

function refuse(error: Error): never {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

/**
 * Starts the tests again with the same arguments and the longer timeout, in the place of this process. After a plain
 * `bun test` in a fresh clone, this process has already looked for packages and will not look again. A timeout that it
 * sets itself would apply to the first file only.
 */
function runAgain(): never {
  const [, ...args] = words;
  if (args.length > 0 && execve !== undefined) {
    if (hasShortTimeout) args.splice(args.indexOf("test") + 1, 0, testTimeout);
    execve(execPath, [execPath, ...args], env);
  }
  return refuse(new Error("The packages were missing and are installed now. Run the same command again."));
}
