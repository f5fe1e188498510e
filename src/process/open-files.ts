import { closeSync, openSync, readFileSync } from "node:fs";
import { ConfigurationInvalid } from "../errors.ts";
import type { OpenListener } from "./listen.ts";
import type { Logger } from "./logger.ts";

export interface OpenFilesOptions {
  readonly logger: Logger;
  readonly listeners: readonly OpenListener[];
}

const checkMs = 250;
const warningMs = 60_000;
/** Descriptors that are kept free, for connections to the database and to Redis. */
const reserveMax = 64;

/**
 * Watches how many file descriptors the process may still open. When they run out, Bun can accept no connection and
 * asks for the waiting one again and again, at the cost of a whole core. So idle connections are closed before that,
 * and the log says which limit to raise. If most connections have never sent a request, the listeners are reopened,
 * which closes those as well.
 */
export function watchOpenFiles({ logger, listeners }: OpenFilesOptions): void {
  const limit = readLimit();
  const lastUsable = limit - Math.min(reserveMax, limit / 4);
  let warnedAt = Number.NEGATIVE_INFINITY;
  let isListening = true;

  function check(): void {
    if (!isListening) reopen();
    if (lowestFreeDescriptor() < lastUsable) return;
    const inFlight = sumOf(listeners, (listener) => listener.requestsInFlight());
    const closed = sumOf(listeners, (listener) => listener.closeIdleConnections());
    if (closed + inFlight < lastUsable / 2) reopen();
    if (performance.now() - warnedAt < warningMs) return;
    warnedAt = performance.now();
    logger.error(
      { limit: Number.isFinite(limit) ? limit : null, closed, inFlight },
      "the limit of open files is reached, so connections without a request are closed; raise it: ulimit -n, " +
        "LimitNOFILE= of a systemd unit, --ulimit nofile= of a container",
    );
  }

  function reopen(): void {
    try {
      for (const listener of listeners) listener.reopen();
      isListening = true;
    } catch (error) {
      if (!(error instanceof ConfigurationInvalid)) throw error;
      if (isListening) logger.error(`${error.problems.join(" ")} It is tried again.`);
      isListening = false;
    }
  }
  setInterval(check, checkMs).unref();
}

function sumOf(listeners: readonly OpenListener[], numberOf: (listener: OpenListener) => number): number {
  return listeners.reduce((sum, listener) => sum + numberOf(listener), 0);
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
