import { join } from "node:path";
import type { Environment } from "../../src/config/setting-reader.ts";
import { explainRedisFailure } from "../../src/redis/failures.ts";
import type { RedisConnectionOptions } from "../../src/redis/options.ts";
import type { Item } from "./check.ts";
import { clockChecks } from "./clock-checks.ts";
import { configChecks } from "./config-checks.ts";
import { type Database, explainSqlError, openDatabase } from "./database.ts";
import { type ExaminedConfig, examineConfiguration } from "./examined-config.ts";
import { fileChecks } from "./file-checks.ts";
import { loginIdChecks } from "./login-id-checks.ts";
import { memoryChecks } from "./memory-checks.ts";
import { mysqlChecks, mysqlRowChecks } from "./mysql-checks.ts";
import type { Opened } from "./opened.ts";
import type { Population } from "./population.ts";
import { portChecks } from "./port-checks.ts";
import { postgresChecks, postgresRowChecks } from "./postgres-checks.ts";
import { redisAccountChecks } from "./redis-account-checks.ts";
import { redisAddressChecks, redisChecks } from "./redis-checks.ts";
import { redisCli, requiresPassword } from "./redis-cli.ts";
import { redisInstallationChecks } from "./redis-installation-checks.ts";
import { openRedis, type RedisServers } from "./redis-servers.ts";
import { redisTopologyChecks } from "./redis-topology-checks.ts";
import { createRunner, type Runner, within } from "./runner.ts";
import { secretChecks } from "./secret-checks.ts";
import { secretFiles } from "./secret-files.ts";
import { siteEndpointCheck } from "./site-endpoint-check.ts";
import { sqliteChecks } from "./sqlite-checks.ts";
import { subjectChecks } from "./subject-checks.ts";
import { mayReadUsers, rowChecks, tableChecks } from "./table-checks.ts";

export interface ExamineOptions {
  readonly environment: Environment;
  /** The folder in which the sidecar is started and which contains `.env`. */
  readonly folder: string;
  /** The limit of one check, in milliseconds. */
  readonly deadlineMs: number;
  /** The load for which the replay guard's memory is estimated. */
  readonly requestsPerSecond: number;
  readonly now: () => number;
  readonly onProgress: (done: number, known: number) => void;
}

/** The items of one subject, in the order in which they are shown. */
export interface Group {
  readonly title: string;
  readonly items: readonly Item[];
}

/** If a connection takes longer than this, it will not be made at all, however long the checks may take. */
const connectMsMax = 6000;

/**
 * Examines everything that a deployment depends on. Changes nothing but a few keys in Redis, under the sidecar's own
 * prefix, which expire within a second.
 */
export async function examine(options: ExamineOptions): Promise<readonly Group[]> {
  const examined = examineConfiguration(options.environment);
  const { environment, now } = options;
  const opening = { deadlineMs: Math.min(connectMsMax, options.deadlineMs), environment, now };
  const [database, redis] = await Promise.all([
    openDatabase(examined, opening),
    openRedis(examined, opening),
  ]);
  try {
    const parts = { run: createRunner(options), examined, options, database, redis };
    const groups = await Promise.all([
      ...examineHost(parts),
      examineDatabase(parts),
      inGroup("Redis", examineRedis(parts)),
      inGroup("Clocks", examineClocks(parts)),
    ]);
    return groups.flat().filter(({ items }) => items.length > 0);
  } finally {
    await Promise.all([database.close(), redis.close()]);
  }
}

interface Parts {
  readonly run: Runner;
  readonly examined: ExaminedConfig;
  readonly options: ExamineOptions;
  readonly database: Opened<Database>;
  readonly redis: Opened<RedisServers>;
}

function examineHost({ run, examined, options }: Parts): Promise<Group>[] {
  const { config, isProduction } = examined;
  const { site } = config.sessions;
  const files = {
    issuesTokens: site === null,
    algorithm: config.sessions.algorithm,
    keys: config.sessions.keysFile,
    state: config.redis === null ? config.sessions.stateFile : null,
    audit: config.auditLog,
    environment: join(options.folder, ".env"),
    secrets: secretFiles(examined, options.environment),
    isMadeAtStart: !isProduction,
  };
  return [
    inGroup("Configuration", run(configChecks(examined), examined)),
    inGroup("Secrets", run(secretChecks, { ...config, isProduction })),
    inGroup("Files", run(fileChecks(files), files)),
    inGroup("Ports", run(portChecks, config)),
    inGroup("Sessions", site === null ? Promise.resolve([]) : run([siteEndpointCheck], site)),
  ];
}

const databaseChecks = {
  sqlite: { server: sqliteChecks, rows: [] },
  postgres: { server: postgresChecks, rows: postgresRowChecks },
  mysql: { server: mysqlChecks, rows: mysqlRowChecks },
};

/** Checks that only read the catalogue come first, so that a locked table does not delay them. */
async function examineDatabase({ run, options, database }: Parts): Promise<Group[]> {
  const { verdict, subject } = database;
  const reachable = { id: "database.reachable", title: "reachable", ...verdict };
  if (subject === null) return [{ title: "Database", items: [reachable] }];
  const explain = explainSqlError(subject.dialect);
  const { server, rows } = databaseChecks[subject.settings.kind];
  const ofCatalogue = await run([...tableChecks(subject), ...server], subject, explain);
  if (!hasColumns(subject)) return [{ title: "Database", items: [reachable, ...ofCatalogue] }];
  const mayRead = await within(options.deadlineMs, () => mayReadUsers(subject)).catch(() => true);
  const [ofRows, ofLoginIds, ofSubjects] = await Promise.all([
    run([...rowChecks(subject, { mayRead }), ...rows], subject, explain),
    run(mayRead ? loginIdChecks : [], subject, explain),
    run(mayRead ? subjectChecks(subject) : [], subject, explain),
  ]);
  return [
    { title: "Database", items: [reachable, ...ofCatalogue, ...ofRows] },
    { title: "Login ids", items: ofLoginIds },
    { title: "Subjects", items: ofSubjects },
  ];
}

async function examineRedis({ run, examined, options, database, redis }: Parts): Promise<Item[]> {
  const { config, knows } = examined;
  const reachable = { id: "redis.reachable", title: "reachable", ...redis.verdict };
  const isKnown = config.redis !== null && knows.redis;
  const address = isKnown
    ? examineRedisRoute(run, config.redis.connection.reveal(), options.environment)
    : [];
  const servers = redis.subject;
  if (servers === null) return [reachable, ...(await address)];
  const question = {
    servers,
    population: () => populationOf(database.subject),
    requestsPerSecond: options.requestsPerSecond,
    rememberSeconds: config.replayProtection ? 2 * config.signature.toleranceSeconds + 5 : 0,
  };
  const checks = [...redisChecks, ...redisAccountChecks, ...redisInstallationChecks];
  const items = await Promise.all([
    address,
    run(checks, servers, explainRedisFailure),
    run(memoryChecks, question, explainRedisFailure),
  ]);
  return [reachable, ...items.flat()];
}

/** Checks what can be found out even if Redis itself cannot be reached. */
async function examineRedisRoute(
  run: Runner,
  options: RedisConnectionOptions,
  environment: Environment,
): Promise<Item[]> {
  const isForSentinels = options.mode === "sentinel";
  const cli = redisCli(options, environment, { needsLogin: await requiresPassword(options), isForSentinels });
  const route = { options, cli };
  const items = await Promise.all([
    run(redisAddressChecks, options, explainRedisFailure),
    run(redisTopologyChecks[options.mode], route, explainRedisFailure),
  ]);
  return items.flat();
}

function examineClocks({ run, database, redis }: Parts): Promise<Item[]> {
  const hasOwnClock = database.subject !== null && database.subject.settings.kind !== "sqlite";
  const clocks = {
    database: hasOwnClock ? database.subject.clock : null,
    redis: (redis.subject?.masters ?? []).map(({ clock }) => clock),
  };
  return run(clockChecks(clocks), clocks);
}

async function inGroup(title: string, items: Promise<Item[]>): Promise<Group> {
  return { title, items: await items };
}

/** The items of the database report why the users cannot be counted. */
async function populationOf(database: Database | null): Promise<Population | null> {
  return database !== null && hasColumns(database) ? database.population().catch(() => null) : null;
}

function hasColumns({ names, facts }: Database): boolean {
  return [names.loginIdColumn, names.ownIdDataColumn].every((column) =>
    facts.columns.some(({ name }) => name === column),
  );
}
