import { closeSync, openSync, readFileSync } from "node:fs";
import type { Logger } from "./logger.ts";

export interface OpenFilesOptions {
  readonly logger: Logger;
  /** Closes the connections that have no request under way, and returns how many there were. */
  readonly closeIdleConnections: () => number;
}

const checkMs = 250;
const warningMs = 60_000;
/** Descriptors that are kept free, for connections to the database and to Redis. */
const reserveMax = 64;

/**
 * Watches how many file descriptors the process may still open. When they run out, Bun can accept no connection and
 * asks for the waiting one again and again, at the cost of a whole core. So idle connections are closed before that,
 * and the log says which limit to raise.
 */
export function watchOpenFiles({ logger, closeIdleConnections }: OpenFilesOptions): void {
  const limit = readLimit();
  const lastUsable = limit - Math.min(reserveMax, limit / 4);
  let warnedAt = Number.NEGATIVE_INFINITY;

  function check(): void {
    if (lowestFreeDescriptor() < lastUsable) return;
    const closed = closeIdleConnections();
    if (performance.now() - warnedAt < warningMs) return;
    warnedAt = performance.now();
    logger.error(
      { limit: Number.isFinite(limit) ? limit : null, closed },
      "the limit of open files is reached, so idle connections are closed; raise it: ulimit -n, LimitNOFILE= of a " +
        "systemd unit, --ulimit nofile= of a container",
    );
  }
  setInterval(check, checkMs).unref();
}

/** The soft limit, which Bun has raised to the hard one; without /proc it shows only when it is reached. */
function readLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** All descriptors below it are in use, since the system gives the lowest one (open(2)). */
function lowestFreeDescriptor(): number {
  try {
    const descriptor = openSync("/dev/null", "r");
    closeSync(descriptor);
    return descriptor;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
