import "../../../src/index.ts";

/** The sidecar as a child of the emulator: it ends with it, also where the emulator is killed and could not say so. */

process.stdin.on("end", () => process.kill(process.pid, "SIGTERM"));
process.stdin.resume();
