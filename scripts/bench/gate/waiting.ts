import { readFileSync } from "node:fs";

/** How long the main thread of a process has run, and how long it has waited for a processor. */
export interface Scheduled {
  readonly runMs: number;
  readonly waitMs: number;
}

/** Returns `null` if the operating system does not tell. */
export function scheduledSoFar(pid: number): Scheduled | null {
  try {
    // Documentation/scheduler/sched-stats.rst of Linux: nanoseconds on a processor, and waiting for one.
    const [runNs, waitNs] = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ").map(Number);
    return { runMs: Number(runNs) / 1e6, waitMs: Number(waitNs) / 1e6 };
  } catch {
    return null;
  }
}

/** Returns the share of the time in which it could have run but waited; 0 if unknown. */
export function waitShare(before: Scheduled | null, after: Scheduled | null): number {
  if (before === null || after === null) return 0;
  const waitMs = after.waitMs - before.waitMs;
  const runMs = after.runMs - before.runMs;
  return waitMs === 0 ? 0 : waitMs / (waitMs + runMs);
}
