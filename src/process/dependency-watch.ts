import { ConfigurationInvalid, DatabaseUnavailable } from "../errors.ts";
import type { Logger } from "./logger.ts";

export type DependencyReport =
  | { readonly status: "ok" }
  | { readonly status: "not configured" }
  /** The dependency answers, but something is wrong. */
  | ({ readonly status: "degraded" } & Problem)
  | ({ readonly status: "unavailable" } & Problem);

/** Why something does not work, and how to fix it. Neither text contains a secret. */
export interface Problem {
  readonly reason: string;
  readonly fix: string;
}

export interface ReadinessReport {
  readonly status: "ok" | "degraded" | "starting" | "unavailable" | "draining";
  readonly dependencies: { readonly database: DependencyReport; readonly redis: DependencyReport };
  /** Whether the grace is over, so that misses fill Redis. Always `false` without Redis. */
  readonly filling: boolean;
}

export interface Readiness {
  report(): ReadinessReport;
  /** Returns whether the process is about to end, so that clients should use another sidecar. */
  isDraining(): boolean;
}

export interface DependencyWatch extends Readiness {
  /**
   * Contacts both dependencies now and polls them from then on. Resolves after the first contact with both: any answer
   * of the database, and an answer of a master of Redis.
   *
   * @throws {ConfigurationInvalid} the first answer says that the configuration cannot work
   */
  start(): Promise<void>;
  /** Stops polling. From then on, the report says that the process is draining. */
  drain(): void;
}

/** What the watch needs to know of Redis. The connection maintains itself. */
export interface RedisState {
  /** Resolves as soon as a master has answered. */
  readonly firstContact: Promise<void>;
  isLive(): boolean;
  isFilling(): boolean;
  /** Returns why no master answers, or why Redis refuses commands. */
  problem(): Problem | null;
  /** Returns what is wrong although a master answers. */
  impairment(): Problem | null;
}

export interface DependencyWatchOptions {
  /** Resolves if the database answers and the table fits. Otherwise rejects with the reason. */
  readonly verifyDatabase: () => Promise<void>;
  /** `null` if no Redis is configured. */
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
  fix: "none needed: it is retried",
};

/**
 * Polls the dependencies for `readyz` and the log. No request waits for it. The log gets one line whenever a status
 * changes.
 */
export function createDependencyWatch({
  verifyDatabase,
  redis,
  logger,
  intervalMs,
}: DependencyWatchOptions): DependencyWatch {
  let database: DependencyReport = notYetAsked;
  let loggedDatabase: DependencyReport = notYetAsked;
  let loggedRedis: DependencyReport = { status: "not configured" };
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
   * Contacts the database for the first time. If the configuration cannot work, the start prints why and ends, so the
   * log must not announce another attempt. If that answer comes too late to end the start, the next one is logged.
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

  function logRedis(): void {
    const report = reportOf(redis);
    logChange(logger, "Redis", loggedRedis, report);
    loggedRedis = report;
  }

  async function ask(): Promise<void> {
    logRedis();
    await askDatabase().finally(logDatabase);
  }

  function askAgainLater(): void {
    if (draining) return;
    const polling = () => ask().then(askAgainLater, askAgainLater);
    timer = setTimeout(polling, intervalMs);
  }

  return {
    async start() {
      await Promise.all([contactDatabase(), redis?.firstContact]);
      logRedis();
    },

    drain() {
      draining = true;
      if (timer !== null) clearTimeout(timer);
    },

    isDraining: () => draining,

    report() {
      const dependencies = { database, redis: reportOf(redis) };
      const status = draining ? "draining" : hadContact ? statusOf(dependencies) : "starting";
      return { status, dependencies, filling: redis?.isFilling() ?? false };
    },
  };
}

function reportOf(redis: RedisState | null): DependencyReport {
  if (redis === null) return { status: "not configured" };
  if (!redis.isLive()) return { status: "unavailable", ...(redis.problem() ?? silentRedis) };
  const impairment = redis.impairment();
  return impairment === null ? { status: "ok" } : { status: "degraded", ...impairment };
}

/** Returns the overall status once the table has been seen to fit. From then on, hits are served without the database. */
function statusOf({ database, redis }: ReadinessReport["dependencies"]): ReadinessReport["status"] {
  const hasRedis = redis.status === "ok" || redis.status === "degraded";
  if (database.status !== "ok") return hasRedis ? "degraded" : "unavailable";
  return redis.status === "unavailable" || redis.status === "degraded" ? "degraded" : "ok";
}

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

function explain(error: unknown): Problem {
  if (error instanceof DatabaseUnavailable) return { reason: error.message, fix: error.fix };
  if (error instanceof ConfigurationInvalid) {
    return {
      reason: error.problems.join(" ").replaceAll(/\s*\n\s*/g, " "),
      fix: "change the table or the setting; it is retried",
    };
  }
  return { reason: "the check failed", fix: "see the sidecar's log" };
}
