import { parentPort, workerData } from "node:worker_threads";

/** The thread of pacemaker.ts: for each round it sleeps until the round's time, then says so; a new round cuts it short. */

// What pacemaker.ts hands over.
const memory: SharedArrayBuffer = workerData;
const rounds = new Int32Array(memory, 0, 1);
const times = new Float64Array(memory, 8, 1);

let done = 0;
for (;;) {
  Atomics.wait(rounds, 0, done);
  const round = Atomics.load(rounds, 0);
  // Both threads count from the start of the process.
  const leftMs = (times[0] ?? 0) - performance.now();
  if (leftMs > 0 && Atomics.wait(rounds, 0, round, leftMs) !== "timed-out") continue;
  done = round;
  parentPort?.postMessage(null);
}
