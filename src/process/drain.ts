import type { UserDirectory } from "../coherence/user-directory.ts";
import type { RedisAdapters } from "../redis/adapters.ts";
import type { DependencyWatch } from "./dependency-watch.ts";
import type { OpenListener } from "./listen.ts";
import type { LogOutput } from "./log-output.ts";
import type { Logger } from "./logger.ts";

export interface Running {
  /** How long `readyz` announces the end before the listeners close. */
  readonly seconds: number;
  readonly logger: Logger;
  readonly outputs: readonly LogOutput[];
  readonly watch: DependencyWatch;
  readonly directory: UserDirectory;
  readonly redis: RedisAdapters | null;
  readonly listeners: readonly OpenListener[];
}

/**
 * A terminal or a service manager signals every process of a group, and the command that started this one passes the
 * signal on. A second signal within this time is the same one.
 */
const sameSignalMs = 500;

/**
 * On SIGTERM or SIGINT, `readyz` answers 503 and every answer closes its connection, so that load balancers send new
 * requests elsewhere. After the announced time the listeners close, and requests in flight are finished. A second
 * signal ends the process immediately.
 */
export function drainOnSignal({
  seconds,
  logger,
  outputs,
  watch,
  directory,
  redis,
  listeners,
}: Running): void {
  let first: { readonly signal: string; readonly at: number } | null = null;

  async function drain(signal: string): Promise<void> {
    if (first?.signal === signal && performance.now() - first.at < sameSignalMs) return;
    if (first !== null) process.exit(1);
    first = { signal, at: performance.now() };
    watch.drain();
    logger.info({ signal, seconds }, "draining; a second signal stops at once");
    await Bun.sleep(seconds * 1000);
    await Promise.all(listeners.map((listener) => listener.stop()));
    redis?.close();
    await directory.close();
    logger.info("stopped");
    await Promise.all(outputs.map((output) => output.flush()));
    process.exit(0);
  }
  process.on("SIGTERM", drain);
  process.on("SIGINT", drain);
}
