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
/** Number of file descriptors that stay free for connections to the database and to Redis. */
const reserveMax = 64;

/**
 * Watches how many file descriptors the process may still open. If none are left, Bun cannot accept connections and
 * polls the waiting one, which costs a whole core. To prevent that, idle connections are closed, and the log says
 * which limit to raise. If most connections have never sent a request, the listeners are reopened, which closes those
 * as well.
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

/**
 * Returns the soft limit, which Bun has raised to the hard limit. Without /proc, the limit is noticed only when it is
 * reached.
 */
function readLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Returns the lowest free descriptor, which the system assigns next (open(2)). All lower ones are in use. */
function lowestFreeDescriptor(): number {
  try {
    const descriptor = openSync("/dev/null", "r");
    closeSync(descriptor);
    return descriptor;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
