import { once } from "node:events";
import { tell } from "./progress.ts";

const sameSignalMs = 500;
/** Overwrites the `^C` that a terminal prints for the key. */
const overEcho = "\r\x1b[K";

/**
 * The first SIGINT or SIGTERM prints `message` and aborts the returned signal. A later one ends the process with
 * status 1. `bun run` also passes on a Ctrl-C that the terminal has already sent to us, so a signal that follows
 * immediately does not count as a second one.
 */
export function stopOnSignal(message: string): AbortSignal {
  const stop = new AbortController();
  let firstAt = Number.POSITIVE_INFINITY;
  function onSignal(): void {
    if (performance.now() - firstAt > sameSignalMs) process.exit(1);
    if (stop.signal.aborted) return;
    firstAt = performance.now();
    tell(`${process.stderr.isTTY ? overEcho : ""}${message}\n`);
    stop.abort();
  }
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return stop.signal;
}

export async function untilStopped(stop: AbortSignal): Promise<void> {
  if (!stop.aborted) await once(stop, "abort");
}
