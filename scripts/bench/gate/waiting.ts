import { readFileSync } from "node:fs";

/** A process's main thread: how long it has run, and how long it has waited for a processor to run on. */
export interface Scheduled {
  readonly runMs: number;
  readonly waitMs: number;
}

/** `null` where the operating system does not tell. */
export function scheduledSoFar(pid: number): Scheduled | null {
  try {
    // Documentation/scheduler/sched-stats.rst of Linux: nanoseconds on a processor, and waiting for one.
    const [runNs, waitNs] = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ").map(Number);
    return { runMs: Number(runNs) / 1e6, waitMs: Number(waitNs) / 1e6 };
  } catch {
    return null;
  }
}

/** Of the time in which it could have run, the share in which others did. 0 where that is not known. */
export function waitShare(before: Scheduled | null, after: Scheduled | null): number {
  if (before === null || after === null) return 0;
  const waitMs = after.waitMs - before.waitMs;
  const runMs = after.runMs - before.runMs;
  return waitMs === 0 ? 0 : waitMs / (waitMs + runMs);
}
