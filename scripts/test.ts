import { argv, env, execPath, execve, stdout } from "node:process";
import { testTimeout } from "./test-timeout.ts";

/**
 * Runs the tests by `bun test`, which takes the place of this process. Its options are passed on, so this command
 * parses none of its own.
 *
 * Two files run at a time, since tests wait for servers and deadlines most of the time. The files of one process
 * share its modules, as they do without `--parallel`.
 */

const help = `Runs the tests against real servers: all of them, or those in files whose path
contains PATTERN.

  bun run test
  bun run test PATTERN

It installs the packages of the lockfile first, and runs two files at a time.
Bun's own options are accepted, such as --parallel=1 to run one file at a time;
bun test --help lists them.

Exits 0 if every test passes, 1 if one does not.
`;

const atOnce = ["--parallel=2", "--no-isolate"];
const args = argv.slice(2);
if (args.includes("--help") || args.includes("-h")) stdout.write(help);
else if (execve === undefined)
  throw new Error("this system cannot replace a process, so the tests cannot run");
else execve(execPath, [execPath, "test", ...atOnce, testTimeout, ...args], env);
