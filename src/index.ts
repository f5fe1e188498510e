import { createApp, type Listener } from "./app.ts";
import { type EnvironmentSources, takeEnvironment } from "./config/environment.ts";
import { environmentFile } from "./config/environment-file.ts";
import { type Config, loadConfig, loadSetting } from "./config/load-config.ts";
import { type OpenedDependencies, openDependencies } from "./dependencies.ts";
import { ConfigurationInvalid } from "./errors.ts";
import { createDemoDatabase, developmentSharedSecret } from "./process/development.ts";
import { drainOnSignal } from "./process/drain.ts";
import { greet } from "./process/greet.ts";
import { withRunner } from "./process/greeting.ts";
import { listen } from "./process/listen.ts";
import { type Log, type Logger, openLog } from "./process/logger.ts";
import { createMetrics, type Metrics } from "./process/metrics.ts";
import { watchOpenFiles } from "./process/open-files.ts";
import { reloadOnChange } from "./reload/reload.ts";

/** The process: it reads the settings, opens the connections, opens the listeners, and drains on SIGTERM or SIGINT. */

const exitConfigurationInvalid = 78;
/** How long the start waits for the database and Redis before it opens the listeners without them. */
const firstContactMs = 1000;

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
  report(config, sources, log.logger);
  if (!config.isProduction && config.database.kind === "sqlite") {
    await createDemoDatabase(config.database.url.reveal());
  }
  const opened = await openDependencies(config, { environment: process.env, log, metrics });
  // Until it handles SIGHUP, the signal ends the process.
  reloadFiles(opened, { metrics, log });
  const contact = Promise.race([opened.watch.start(), Bun.sleep(firstContactMs)]);
  // The applications are composed while the database and Redis answer.
  const apps = createApp(opened.app);
  await contact;
  await serve(config, log, { ...apps, opened });
}

function report(config: Config, sources: EnvironmentSources, logger: Logger): void {
  const { fromFile, overridden, ignoredFiles } = sources;
  if (fromFile.length + overridden.length > 0) {
    logger.info({ read: fromFile, overriddenByEnvironment: overridden }, `settings from ${environmentFile}`);
  }
  for (const file of ignoredFiles) logger.warn(`${file} is not read; only ${environmentFile} is`);
  for (const warning of config.warnings) logger.warn(warning);
  if (config.sessions.site !== null) {
    const { url } = config.sessions.site;
    logger.info(
      { url },
      "the site makes the sessions; /introspect, /verify and /admin/revoke do not know them",
    );
  }
}

function reloadFiles(opened: OpenedDependencies, { metrics, log }: Pick<Opened, "metrics" | "log">): void {
  const { sessionKeys, secrets, audit, auditOutput } = opened;
  reloadOnChange(process.env, {
    sessionKeys,
    secrets,
    reopenAuditLog: () => auditOutput?.reopen(),
    onEvent(event, variable) {
      metrics.countReload(event);
      audit.write({ event: "key_change", actor: "sidecar", outcome: event.replaceAll(" ", "_"), variable });
    },
    logger: log.logger,
  });
}

interface Served {
  readonly publicApp: Listener;
  readonly opsApp: Listener;
  readonly opened: OpenedDependencies;
}

async function serve(config: Config, log: Log, { publicApp, opsApp, opened }: Served): Promise<void> {
  const { publicListener, opsListener, keepAliveSeconds, drainSeconds, isProduction } = config;
  const { auditOutput, watch, directory, redis } = opened;
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
  drainOnSignal({ watch, directory, redis, logger, outputs, seconds: drainSeconds, listeners });
  watchOpenFiles({ logger, listeners });
  logger.info({ url: publicUrl }, "public listener ready");
  logger.info({ url: opsUrl }, "ops listener ready");
  if (!isProduction) await greet({ config, log, directory, publicUrl, opsUrl, defaultUrl: defaultUrl() });
}

/** The address that `bun run sign` uses by default. */
function defaultUrl(): string {
  return `http://${loadSetting({}, "HOST")}:${loadSetting({}, "PORT")}${loadSetting({}, "BASE_PATH")}`;
}
