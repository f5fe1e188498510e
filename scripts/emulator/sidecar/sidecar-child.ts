import { rmSync } from "node:fs";
import "../../../src/index.ts";

/**
 * The sidecar as a child process. It ends when the emulator ends, even if the emulator is killed. With the argument
 * `temporary`, it deletes its working directory at the end.
 */

process.stdin.on("end", () => process.kill(process.pid, "SIGTERM"));
process.stdin.resume();
if (process.argv[2] === "temporary") {
  process.on("exit", () => rmSync(process.cwd(), { recursive: true, force: true }));
}
