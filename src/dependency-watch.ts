import { ConfigurationInvalid, DatabaseUnavailable } from "./errors.ts";
import type { Logger } from "./logger.ts";

export type DependencyReport =
  | { readonly status: "ok" }
  | { readonly status: "unavailable"; readonly reason: string; readonly remedy: string };

export interface ReadinessReport {
  readonly status: "ok" | "starting" | "unavailable" | "draining";
  readonly dependencies: {
    readonly database: DependencyReport;
    readonly redis: { readonly status: "not configured" };
  };
  /** Whether misses are written into Redis: never without Redis. */
  readonly filling: boolean;
}

export interface Readiness {
  report(): ReadinessReport;
  /** Whether the process is on its way out, so that clients should look for another. */
  isDraining(): boolean;
}

export interface DependencyWatchOptions {
  /** Resolves when the database answers and fits, or throws the reason. */
  readonly verifyDatabase: () => Promise<void>;
  readonly logger: Logger;
  readonly intervalMs: number;
}

const notYetAsked: DependencyReport = {
  status: "unavailable",
  reason: "the database has not answered yet",
  remedy: "none needed: it is tried again",
};

/**
 * Asks the database again and again whether it is there, for `readyz` and the log; it gates no request. The
 * log gets one line when an answer changes, not one for every time it is asked.
 */
export function createDependencyWatch(options: DependencyWatchOptions) {
  const { verifyDatabase, logger, intervalMs } = options;
  let database: DependencyReport = notYetAsked;
  let hadContact = false;
  let draining = false;
  let timer: ReturnType<typeof setTimeout> | null = null;

  function note(next: DependencyReport): void {
    const isSame =
      next.status === database.status &&
      (next.status === "ok" || database.status === "ok" || next.reason === database.reason);
    if (!isSame && next.status === "ok") logger.info("the database answers");
    if (!isSame && next.status !== "ok") {
      logger.error({ reason: next.reason, remedy: next.remedy }, "the database is unavailable");
    }
    database = next;
  }

  async function ask(): Promise<void> {
    try {
      await verifyDatabase();
      hadContact = true;
      note({ status: "ok" });
    } catch (error) {
      note({ status: "unavailable", ...explain(error) });
      throw error;
    }
  }

  function askAgainLater(): void {
    if (!draining)
      timer = setTimeout(
        () =>
          ask()
            .catch(() => {})
            .finally(askAgainLater),
        intervalMs,
      );
  }

  return {
    /**
     * Asks once now, and from then on again and again.
     *
     * @throws {ConfigurationInvalid} the first answer is that the set-up cannot work
     */
    async start(): Promise<void> {
      try {
        await ask();
      } catch (error) {
        if (error instanceof ConfigurationInvalid) throw error;
      } finally {
        askAgainLater();
      }
    },

    drain(): void {
      draining = true;
      if (timer !== null) clearTimeout(timer);
    },

    isDraining: () => draining,

    report(): ReadinessReport {
      const dependencies = { database, redis: { status: "not configured" } } as const;
      const contact = database.status === "ok" ? "ok" : hadContact ? "unavailable" : "starting";
      return { status: draining ? "draining" : contact, dependencies, filling: false };
    },
  };
}

export type DependencyWatch = ReturnType<typeof createDependencyWatch>;

function explain(error: unknown): { reason: string; remedy: string } {
  if (error instanceof DatabaseUnavailable) return { reason: error.message, remedy: error.remedy };
  if (error instanceof ConfigurationInvalid) {
    return { reason: error.problems.join(" "), remedy: "change the table or the setting; it is tried again" };
  }
  return { reason: "the check failed", remedy: "see the sidecar's log" };
}
