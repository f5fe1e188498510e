import { ConfigurationInvalid, DatabaseUnavailable } from "../errors.ts";
import type { Logger } from "./logger.ts";

export type DependencyReport =
  | { readonly status: "ok" }
  | { readonly status: "not configured" }
  /** It answers, and something is wrong nevertheless. */
  | ({ readonly status: "degraded" } & Problem)
  | ({ readonly status: "unavailable" } & Problem);

/** Why something does not work, and what fixes it; without anything secret. */
export interface Problem {
  readonly reason: string;
  readonly fix: string;
}

export interface ReadinessReport {
  readonly status: "ok" | "degraded" | "starting" | "unavailable" | "draining";
  readonly dependencies: { readonly database: DependencyReport; readonly redis: DependencyReport };
  /** Whether the grace is over and misses are written into Redis: never without Redis. */
  readonly filling: boolean;
}

export interface Readiness {
  report(): ReadinessReport;
  /** Whether the process is on its way out, so that clients should look for another. */
  isDraining(): boolean;
}

/** What the watch asks of Redis; the connection looks after itself. */
export interface RedisState {
  /** Resolves once a master has answered, and waits for as long as none does. */
  readonly firstContact: Promise<void>;
  isLive(): boolean;
  isFilling(): boolean;
  /** Why no master answers, or Redis refuses what it is asked. */
  problem(): Problem | null;
  /** What is wrong although a master answers. */
  impairment(): Problem | null;
}

export interface DependencyWatchOptions {
  /** Resolves when the database answers and fits, or throws the reason. */
  readonly verifyDatabase: () => Promise<void>;
  /** `null` where no Redis is configured. */
  readonly redis: RedisState | null;
  readonly logger: Logger;
  readonly intervalMs: number;
}

const silentRedis: Problem = {
  reason: "no master answers",
  fix: "start Redis, or correct REDIS_URL and REDIS_MODE; bun run doctor says more",
};

const notYetAsked: DependencyReport = {
  status: "unavailable",
  reason: "it has not answered yet",
  fix: "none needed: it is tried again",
};

/**
 * Asks the dependencies again and again whether they are there, for `readyz` and the log; it gates no request.
 * The log gets one line when an answer changes, not one for every time it is asked.
 */
export function createDependencyWatch({ verifyDatabase, redis, logger, intervalMs }: DependencyWatchOptions) {
  let database: DependencyReport = notYetAsked;
  let loggedDatabase: DependencyReport = notYetAsked;
  let lastRedis: DependencyReport = { status: "not configured" };
  let hadContact = false;
  let draining = false;
  let timer: ReturnType<typeof setTimeout> | null = null;

  async function askDatabase(): Promise<void> {
    try {
      await verifyDatabase();
      hadContact = true;
      database = { status: "ok" };
    } catch (error) {
      database = { status: "unavailable", ...explain(error) };
      throw error;
    }
  }

  /**
   * A set-up that cannot work ends the start, which prints it, so the log must not promise to ask again. If the answer
   * comes too late for that, the next one is logged.
   */
  async function contactDatabase(): Promise<void> {
    try {
      await askDatabase();
      logDatabase();
    } catch (error) {
      if (error instanceof ConfigurationInvalid) throw error;
      logDatabase();
    } finally {
      askAgainLater();
    }
  }

  function logDatabase(): void {
    logChange(logger, "the database", loggedDatabase, database);
    loggedDatabase = database;
  }

  function reportRedis(): DependencyReport {
    if (redis === null) return { status: "not configured" };
    if (!redis.isLive()) return { status: "unavailable", ...(redis.problem() ?? silentRedis) };
    const impairment = redis.impairment();
    return impairment === null ? { status: "ok" } : { status: "degraded", ...impairment };
  }

  function logRedis(): void {
    const before = lastRedis;
    lastRedis = reportRedis();
    logChange(logger, "Redis", before, lastRedis);
  }

  async function ask(): Promise<void> {
    logRedis();
    await askDatabase().finally(logDatabase);
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

  /** Hits can be served without the database, once it has been seen that it fits. */
  function judge(redisReport: DependencyReport): ReadinessReport["status"] {
    if (draining) return "draining";
    if (!hadContact) return "starting";
    const hasRedis = redisReport.status === "ok" || redisReport.status === "degraded";
    if (database.status !== "ok") return hasRedis ? "degraded" : "unavailable";
    return redisReport.status === "unavailable" || redisReport.status === "degraded" ? "degraded" : "ok";
  }

  return {
    /**
     * Asks both at once now, and from then on again and again. Resolves when both have been met: the database by
     * any answer, Redis by a master of its own.
     *
     * @throws {ConfigurationInvalid} the first answer is that the set-up cannot work
     */
    async start(): Promise<void> {
      await Promise.all([contactDatabase(), redis?.firstContact]);
      logRedis();
    },

    drain(): void {
      draining = true;
      if (timer !== null) clearTimeout(timer);
    },

    isDraining: () => draining,

    report(): ReadinessReport {
      const redisReport = reportRedis();
      return {
        status: judge(redisReport),
        dependencies: { database, redis: redisReport },
        filling: redis?.isFilling() ?? false,
      };
    },
  } satisfies Readiness & Record<string, unknown>;
}

export type DependencyWatch = ReturnType<typeof createDependencyWatch>;

function logChange(
  logger: Logger,
  dependency: string,
  before: DependencyReport,
  after: DependencyReport,
): void {
  if (after.status === "unavailable" || after.status === "degraded") {
    const isSame = before.status === after.status && before.reason === after.reason;
    const { reason, fix } = after;
    if (!isSame) logger.error({ reason, fix }, `${dependency} is ${after.status}`);
  } else if (after.status !== before.status) {
    logger.info(`${dependency} answers`);
  }
}

function explain(error: unknown): { reason: string; fix: string } {
  if (error instanceof DatabaseUnavailable) return { reason: error.message, fix: error.fix };
  if (error instanceof ConfigurationInvalid) {
    return {
      reason: error.problems.join(" ").replaceAll(/\s*\n\s*/g, " "),
      fix: "change the table or the setting; it is tried again",
    };
  }
  return { reason: "the check failed", fix: "see the sidecar's log" };
}
