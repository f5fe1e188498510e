import type { AppDependencies } from "./app.ts";
import type { AuditLog } from "./audit/audit-log.ts";
import { withoutHotCopy } from "./coherence/hot-copy.ts";
import { createStoreLog } from "./coherence/store-log.ts";
import type { UserDirectory } from "./coherence/user-directory.ts";
import { createWriteThrough, type StoreEvent } from "./coherence/write-through.ts";
import type { Config } from "./config/load-config.ts";
import type { Environment } from "./config/setting-reader.ts";
import { createSqlDirectory } from "./directory/sql-directory.ts";
import { type AuditOutput, openAuditLog } from "./process/audit-output.ts";
import { createDependencyWatch, type DependencyWatch } from "./process/dependency-watch.ts";
import type { Log, Logger } from "./process/logger.ts";
import type { Metrics } from "./process/metrics.ts";
import { openRedisAdapters, type RedisAdapters } from "./redis/adapters.ts";
import { createLiveSecrets, type LiveSecrets } from "./reload/live-secrets.ts";
import { type OpenedSessionKeys, openSessionKeys } from "./reload/session-keys.ts";
import { createProcessReplayGuard } from "./replay/process-replay-guard.ts";
import { type ReplayGuard, withoutReplayGuard } from "./replay/replay-guard.ts";
import { revocationSeconds } from "./sessions/jwt-sessions.ts";
import type { SessionKeys } from "./sessions/key-ring.ts";
import { openSessions } from "./sessions/open-sessions.ts";
import type { SessionService } from "./sessions/session-service.ts";
import { latestIssueTime } from "./sessions/session-token.ts";
import { openStateFile } from "./sessions/state-file.ts";

const watchIntervalMs = 1000;

export interface DependencyOptions {
  readonly environment: Environment;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Everything that is opened for the listeners, and must be reloaded or closed with the process. */
export interface OpenedDependencies {
  readonly app: AppDependencies;
  readonly directory: UserDirectory;
  /** `null` if no Redis is configured. */
  readonly redis: RedisAdapters | null;
  readonly watch: DependencyWatch;
  readonly secrets: LiveSecrets;
  /** `null` if the sidecar issues no tokens. */
  readonly sessionKeys: OpenedSessionKeys | null;
  readonly audit: AuditLog;
  readonly auditOutput: AuditOutput | null;
}

/**
 * Opens what the settings ask for, with every adapter in its place. The connections are made in the background; only the
 * files of keys, of the audit log and of the state of sessions are read and opened now.
 *
 * @throws {ConfigurationInvalid} a file is missing or wrong
 */
export async function openDependencies(
  config: Config,
  { environment, log, metrics }: DependencyOptions,
): Promise<OpenedDependencies> {
  const { logger } = log;
  const warn = (warning: string) => logger.warn(warning);
  const secrets = createLiveSecrets(config, { environment, now: Date.now, warn });
  const { audit, auditOutput } = openAuditLog(config.auditLog, {
    ...log,
    hashLoginId: secrets.hashLoginId,
    count: metrics.countAuditEntries,
  });
  const sessionKeys = await openSessionKeys(config, environment, logger, (kid) =>
    audit.write({ event: "key_change", actor: "sidecar", outcome: "signs", kid }),
  );
  const directory = openDirectory(config);
  const redis = openRedis(config, metrics, logger);
  const watch = createDependencyWatch({
    verifyDatabase: directory.verifyConnection,
    redis,
    logger,
    intervalMs: watchIntervalMs,
  });
  const app: AppDependencies = {
    ...config.publicListener,
    ...config.requests,
    jwksMaxAgeSeconds: config.sessions.jwksMaxAgeSeconds,
    adminToken: secrets.adminToken,
    backendToken: secrets.backendToken,
    verifySignature: secrets.verifySignature,
    store: createWriteThrough({
      ...config.coherence,
      directory,
      hotCopy: redis?.hotCopy ?? withoutHotCopy,
      onEvent: observeStore({ metrics, logger, audit }),
    }),
    replayGuard: chooseReplayGuard(config, redis),
    ...openSessionService(config, { keys: sessionKeys?.keys ?? null, secrets, redis, warn }),
    sessionCookie: config.sessions.cookie,
    findUser: directory.find,
    readiness: watch,
    metrics,
    audit,
    logger,
  };
  return { app, directory, redis, watch, secrets, sessionKeys, audit, auditOutput };
}

function openDirectory({ database, coherence }: Config): UserDirectory {
  return createSqlDirectory({
    ...database,
    url: database.url.reveal(),
    tls: database.tls.reveal(),
    statementMs: coherence.statementMs,
  });
}

function openRedis(config: Config, metrics: Metrics, logger: Logger): RedisAdapters | null {
  if (config.redis === null) return null;
  const redis = openRedisAdapters({
    connection: config.redis.connection.reveal(),
    keyPrefix: config.redis.keyPrefix,
    installation: config.installation,
    limits: config.coherence,
    graceMs: config.coherence.graceMs,
    rememberMs: config.signature.rememberMs,
    sessions: {
      keepSeconds: revocationSeconds(config.sessions),
      latestIssueTime: () => latestIssueTime(Date.now()),
    },
    onHashEvent(event) {
      metrics.countHash(event);
      if (event !== "stray removed") return;
      logger.warn(
        "a key under REDIS_KEY_PREFIX held another type than a hash: something else writes there; it was removed",
      );
    },
    onGuardEvent(event) {
      metrics.countGuard(event);
      const place = event === "fell back" ? "in this process alone, while Redis is away" : "in Redis again";
      logger.warn(`the replay guard is kept ${place}`);
    },
  });
  metrics.watch(redis);
  return redis;
}

/** Returns a function that counts the events of the store, and reports those that an operator must know. */
function observeStore({ metrics, logger, audit }: Pick<AppDependencies, "metrics" | "logger" | "audit">) {
  const logEvent = createStoreLog(
    (fields, line) => logger.error(fields, line),
    performance.now.bind(performance),
  );
  return (event: StoreEvent, loginId: string): void => {
    metrics.countStore(event);
    logEvent(event);
    if (event === "stale hit")
      audit.write({ event: "stale_hit", actor: "sidecar", outcome: "refused_until_read", loginId });
  };
}

function chooseReplayGuard(
  { replayProtection, signature }: Config,
  redis: RedisAdapters | null,
): ReplayGuard {
  if (!replayProtection) return withoutReplayGuard;
  if (redis !== null) return redis.replayGuard;
  return createProcessReplayGuard({
    keepMs: signature.rememberMs,
    now: Date.now,
    elapsed: () => performance.now(),
  });
}

interface SessionParts {
  readonly keys: SessionKeys | null;
  readonly secrets: LiveSecrets;
  readonly redis: RedisAdapters | null;
  readonly warn: (warning: string) => void;
}

function openSessionService(
  { sessions }: Config,
  { keys, secrets, redis, warn }: SessionParts,
): SessionService {
  return openSessions(sessions, {
    keys,
    siteSecrets: secrets.siteSecrets,
    openLedger: (keepSeconds) =>
      redis?.sessionLedger ?? openStateFile({ path: sessions.stateFile, keepSeconds, now: Date.now }, warn),
    now: Date.now,
  });
}
