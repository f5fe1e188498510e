import "../../../src/index.ts";

/** The sidecar as a child process. It ends when the emulator ends, even if the emulator is killed. */

process.stdin.on("end", () => process.kill(process.pid, "SIGTERM"));
process.stdin.resume();
