import { Worker } from "node:worker_threads";

export interface Pacemaker {
  /** Calls `beat` at this time of `performance.now()`, or as soon as possible after it. One time is kept: the last given. */
  beatAt(timeMs: number): void;
  close(): void;
}

/**
 * Wakes this thread to about a tenth of a millisecond, where timers round to whole ones. Another thread sleeps
 * until the time and says so, which costs a twentieth of the processor that waiting in a loop would take from the
 * server under test.
 */
export function createPacemaker(beat: () => void): Pacemaker {
  const memory = new SharedArrayBuffer(16);
  const rounds = new Int32Array(memory, 0, 1);
  const times = new Float64Array(memory, 8, 1);
  const thread = new Worker(new URL("./pacemaker-thread.ts", import.meta.url), { workerData: memory });
  thread.on("message", beat);

  return {
    beatAt(timeMs) {
      times[0] = timeMs;
      Atomics.add(rounds, 0, 1);
      Atomics.notify(rounds, 0);
    },
    close() {
      thread.off("message", beat);
      void thread.terminate();
    },
  };
}
