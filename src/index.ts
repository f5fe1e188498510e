import { type AppDependencies, createApp, type Listener } from "./app.ts";
import type { AuditLog } from "./audit/audit-log.ts";
import { withoutHotCopy } from "./coherence/hot-copy.ts";
import { createStoreLog } from "./coherence/store-log.ts";
import type { UserDirectory } from "./coherence/user-directory.ts";
import { createWriteThrough, type StoreEvent } from "./coherence/write-through.ts";
import { type EnvironmentSources, takeEnvironment } from "./config/environment.ts";
import { environmentFile } from "./config/environment-file.ts";
import { type Config, loadConfig, loadSetting } from "./config/load-config.ts";
import { createSqlDirectory } from "./directory/sql-directory.ts";
import { ConfigurationInvalid } from "./errors.ts";
import { type AuditOutput, openAuditLog } from "./process/audit-output.ts";
import { createDependencyWatch, type DependencyWatch } from "./process/dependency-watch.ts";
import { createDemoDatabase, developmentSharedSecret } from "./process/development.ts";
import { drainOnSignal } from "./process/drain.ts";
import { greet } from "./process/greet.ts";
import { withRunner } from "./process/greeting.ts";
import { listen } from "./process/listen.ts";
import { type Log, type Logger, openLog } from "./process/logger.ts";
import { createMetrics, type Metrics } from "./process/metrics.ts";
import { watchOpenFiles } from "./process/open-files.ts";
import { openRedisAdapters, type RedisAdapters } from "./redis/adapters.ts";
import { createLiveSecrets, type LiveSecrets } from "./reload/live-secrets.ts";
import { reloadOnChange } from "./reload/reload.ts";
import { openSessionKeys } from "./reload/session-keys.ts";
import { createProcessReplayGuard } from "./replay/process-replay-guard.ts";
import { withoutReplayGuard } from "./replay/replay-guard.ts";
import { revocationSeconds } from "./sessions/jwt-sessions.ts";
import type { SessionKeys } from "./sessions/key-ring.ts";
import { openSessions } from "./sessions/open-sessions.ts";
import { latestIssueTime } from "./sessions/session-token.ts";
import { openStateFile } from "./sessions/state-file.ts";

/** The process: it reads the settings, opens the connections, opens the listeners, and drains on SIGTERM or SIGINT. */

const exitConfigurationInvalid = 78;
/** How long the start waits for the database and Redis before it opens the listeners without them. */
const firstContactMs = 1000;
const watchIntervalMs = 1000;

// There is no top-level `await`, because Bun compiles only CommonJS modules to bytecode.
start().catch((error: unknown) => {
  if (!(error instanceof ConfigurationInvalid)) throw error;
  const problems = error.problems.map((problem) => `  - ${withRunner(problem)}\n`).join("");
  process.stderr.write(
    `ownid-sidecar cannot start with this configuration:\n\n${problems}\nsrc/config/README.md lists every setting.\n`,
  );
  process.exit(exitConfigurationInvalid);
});

async function start(): Promise<void> {
  const sources = takeEnvironment(process.env, process.cwd());
  const config = loadConfig(process.env, developmentSharedSecret);
  const metrics = createMetrics();
  const onDropped = (entries: number) => metrics.countLogEntries("dropped", entries);
  const log = await openLog({ ...config.log, onDropped });
  try {
    await startWith(config, { sources, metrics, log });
  } catch (error) {
    // On a terminal, the error that ends the start must come last.
    await log.output.flush();
    throw error;
  }
}

interface Opened {
  readonly sources: EnvironmentSources;
  readonly metrics: Metrics;
  readonly log: Log;
}

async function startWith(config: Config, { sources, metrics, log }: Opened): Promise<void> {
  const { logger } = log;
  reportSources(sources, logger);
  for (const warning of config.warnings) logger.warn(warning);
  if (config.sessions.site !== null) {
    const { url } = config.sessions.site;
    logger.info(
      { url },
      "the site makes the sessions; /introspect, /verify and /admin/revoke do not know them",
    );
  }
  const secrets = createLiveSecrets(config, {
    environment: process.env,
    now: Date.now,
    warn: (warning) => logger.warn(warning),
  });
  const { audit, auditOutput } = openAuditLog(config.auditLog, {
    ...log,
    hashLoginId: secrets.hashLoginId,
    count: metrics.countAuditEntries,
  });
  const sessionKeys = await openSessionKeys(config, process.env, logger, (kid) =>
    audit.write({ event: "key_change", actor: "sidecar", outcome: "signs", kid }),
  );
  if (!config.isProduction && config.database.kind === "sqlite") {
    await createDemoDatabase(config.database.url.reveal());
  }

  const { statementMs } = config.coherence;
  const directory = createSqlDirectory({
    ...config.database,
    url: config.database.url.reveal(),
    tls: config.database.tls.reveal(),
    statementMs,
  });
  const redis = openRedis(config, metrics, logger);
  const watch = createDependencyWatch({
    verifyDatabase: directory.verifyConnection,
    redis,
    logger,
    intervalMs: watchIntervalMs,
  });
  const contact = Promise.race([watch.start(), Bun.sleep(firstContactMs)]);
  // The applications are composed while the database and Redis answer.
  const { publicApp, opsApp } = createApp(
    appDependencies({
      config,
      logger,
      metrics,
      audit,
      keys: sessionKeys?.keys ?? null,
      secrets,
      directory,
      redis,
      watch,
    }),
  );
  await contact;
  reloadOnChange(process.env, {
    sessionKeys,
    secrets,
    reopenLogs: () => auditOutput?.reopen(),
    onEvent(event, variable) {
      metrics.countReload(event);
      audit.write({ event: "key_change", actor: "sidecar", outcome: event.replaceAll(" ", "_"), variable });
    },
    logger,
  });
  await serve(config, log, { publicApp, opsApp, auditOutput, watch, directory, redis });
}

interface Served {
  readonly publicApp: Listener;
  readonly opsApp: Listener;
  readonly auditOutput: AuditOutput | null;
  readonly watch: DependencyWatch;
  readonly directory: UserDirectory;
  readonly redis: RedisAdapters | null;
}

async function serve(config: Config, log: Log, served: Served): Promise<void> {
  const { publicApp, opsApp, auditOutput, ...running } = served;
  const { publicListener, opsListener, keepAliveSeconds, drainSeconds, isProduction } = config;
  const { logger } = log;
  const publicOpen = listen(publicApp, "PORT", { ...publicListener, keepAliveSeconds, otherPort: null });
  const publicUrl = publicOpen.origin + publicListener.basePath;
  const opsOpen = listen(opsApp, "OPS_PORT", {
    ...opsListener,
    keepAliveSeconds,
    otherPort: publicOpen.port,
  });
  const opsUrl = opsOpen.origin;
  const listeners = [publicOpen, opsOpen];
  // This comes before the listeners announce that they are ready, since whoever reads that may send a signal at once.
  const outputs = auditOutput === null ? [log.output] : [log.output, auditOutput];
  drainOnSignal({ ...running, logger, outputs, seconds: drainSeconds, listeners });
  watchOpenFiles({ logger, listeners });
  logger.info({ url: publicUrl }, "public listener ready");
  logger.info({ url: opsUrl }, "ops listener ready");
  if (!isProduction) {
    await greet({ config, log, directory: served.directory, publicUrl, opsUrl, defaultUrl: defaultUrl() });
  }
}

function reportSources({ fromFile, overridden, ignoredFiles }: EnvironmentSources, logger: Logger): void {
  if (fromFile.length + overridden.length > 0) {
    logger.info({ read: fromFile, overriddenByEnvironment: overridden }, `settings from ${environmentFile}`);
  }
  for (const file of ignoredFiles) logger.warn(`${file} is not read; only ${environmentFile} is`);
}

interface Parts {
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly audit: AuditLog;
  /** `null` if the sidecar issues no tokens. */
  readonly keys: SessionKeys | null;
  readonly secrets: LiveSecrets;
  readonly directory: UserDirectory;
  readonly redis: RedisAdapters | null;
  readonly watch: DependencyWatch;
}

function appDependencies({
  config,
  logger,
  metrics,
  audit,
  keys,
  secrets,
  directory,
  redis,
  watch,
}: Parts): AppDependencies {
  const { coherence } = config;
  const logStore = createStoreLog(
    (fields, line) => logger.error(fields, line),
    performance.now.bind(performance),
  );
  const onEvent = (event: StoreEvent, loginId: string) => {
    metrics.countStore(event);
    logStore(event);
    if (event === "stale hit")
      audit.write({ event: "stale_hit", actor: "sidecar", outcome: "refused_until_read", loginId });
  };
  return {
    ...config.publicListener,
    ...config.requests,
    jwksMaxAgeSeconds: config.sessions.jwksMaxAgeSeconds,
    get adminToken() {
      return secrets.adminToken();
    },
    get backendToken() {
      return secrets.backendToken();
    },
    verifySignature: secrets.verifySignature,
    store: createWriteThrough({
      ...coherence,
      directory,
      hotCopy: redis?.hotCopy ?? withoutHotCopy,
      onEvent,
    }),
    replayGuard: config.replayProtection ? (redis?.replayGuard ?? processGuard(config)) : withoutReplayGuard,
    ...openSessions(config.sessions, {
      keys,
      siteSecrets: secrets.siteSecrets,
      openLedger: (keepSeconds) =>
        redis?.sessionLedger ??
        openStateFile({ path: config.sessions.stateFile, keepSeconds, now: Date.now }, (warning) =>
          logger.warn(warning),
        ),
      now: Date.now,
    }),
    sessionCookie: config.sessions.cookie,
    findUser: directory.find,
    readiness: watch,
    metrics,
    audit,
    logger,
  };
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

function processGuard({ signature }: Config) {
  return createProcessReplayGuard({
    keepMs: signature.rememberMs,
    now: Date.now,
    elapsed: () => performance.now(),
  });
}

/** The address that `bun run sign` uses by default. */
function defaultUrl(): string {
  return `http://${loadSetting({}, "HOST")}:${loadSetting({}, "PORT")}${loadSetting({}, "BASE_PATH")}`;
}
