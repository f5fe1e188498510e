import { existsSync } from "node:fs";
import { Type } from "@sinclair/typebox";
import { SQL } from "bun";
import type { Config } from "../../src/config/load-config.ts";
import type {
  Dialect,
  RunSql,
  Statements,
  TableFacts,
  TableNames,
} from "../../src/directory/dialects/dialect.ts";
import { dialects } from "../../src/directory/dialects/dialects.ts";
import type { Spelling } from "../../src/directory/dialects/spelling.ts";
import { explainRefusedConnection } from "../../src/directory/refused-connection.ts";
import { countRepeatsBy } from "../../src/directory/repeated-login-ids.ts";
import { fine, wrong } from "./check.ts";
import { type ClockReading, readClock } from "./clock-checks.ts";
import type { ExaminedConfig } from "./examined-config.ts";
import { grantDatabase } from "./mysql-database-grant.ts";
import { ifUnknown, notOpened, notThereYet, type Opened, type OpenOptions } from "./opened.ts";
import { countUsers, type Population } from "./population.ts";
import { type Explanation, within } from "./runner.ts";
import { readRow } from "./sql-row.ts";
import { judgeSqliteFile } from "./sqlite-file.ts";

type DatabaseSettings = Config["database"];

/** The site's database, accessed in the same way as by the sidecar. */
export interface Database {
  readonly settings: DatabaseSettings;
  readonly requests: Config["requests"];
  /** `COHERENCE_STATEMENT_MS`. */
  readonly statementMs: number;
  readonly dialect: Dialect;
  readonly spelling: Spelling;
  readonly names: TableNames;
  readonly facts: TableFacts;
  readonly statements: Statements;
  /** The sidecar's account, as GRANT writes it. */
  readonly account: string;
  /** Whether something in front of the server ignores what the sidecar asks of its connections. */
  readonly isBehindPooler: boolean;
  readonly run: RunSql;
  /** Runs a statement that reads a whole table. */
  scan(text: string): Promise<readonly unknown[]>;
  plan(text: string): Promise<readonly unknown[]>;
  /** Read when the connection was made, before anything else could delay it. */
  readonly clock: ClockReading;
  /** Counted only once. */
  population(): Promise<Population>;
}

const connectionsMax = 4;
const closeSeconds = 1;
const scanGraceMs = 1000;

/**
 * Connects and examines the table. Development creates an SQLite file at its first start, so a missing file is not an
 * error there.
 */
export async function openDatabase(
  examined: ExaminedConfig,
  options: OpenOptions,
): Promise<Opened<Database>> {
  const { config, isProduction } = examined;
  const { kind, prepare, url } = config.database;
  const unknown = ifUnknown(examined, "database");
  if (unknown !== null) return unknown;
  if (kind === "sqlite" && !isProduction && !existsSync(url.reveal())) return notThereYet;
  try {
    return await connect(config, prepare, options);
  } catch (error) {
    if (isFromPooler(error)) {
      const opened = await connect(config, false, options).catch(() => null);
      if (opened !== null) return { ...opened, subject: { ...opened.subject, isBehindPooler: true } };
    }
    if (kind === "sqlite") {
      const verdict = judgeSqliteFile(url.reveal());
      if (verdict.status === "wrong") return notOpened(verdict);
    }
    const failure = dialects[kind].createDialect().failure(error);
    const { reason, fix } = await explainRefusedConnection(failure, url.reveal());
    return notOpened(wrong(reason, (await grantDatabase(error, config)) ?? fix));
  }
}

/** The statement limit that every connection begins with did not reach the server. */
class ParametersDropped extends Error {}

/**
 * Returns whether a pooler caused the error. Poolers refuse or drop the parameters of a connection, or confuse prepared
 * statements.
 */
function isFromPooler(error: unknown): boolean {
  const states = ["08P01", "26000", "42P05"];
  if (error instanceof ParametersDropped) return true;
  return error instanceof SQL.PostgresError && states.includes(String(error.errno));
}

async function connect(config: Config, prepare: boolean, { deadlineMs, now }: OpenOptions) {
  const { kind, names, url, tls } = config.database;
  const { createDialect, spelling } = dialects[kind];
  const dialect = createDialect();
  // As in a sidecar, the server's limit is lower than the client's.
  const statementMs = Math.max(1, Math.round(config.coherence.statementMs * 0.9));
  const sql = dialect.connect({
    url: url.reveal(),
    poolMax: connectionsMax,
    prepare,
    tls: tls.reveal(),
    statementMs,
  });
  const close = () => sql.close({ timeout: closeSeconds }).catch(() => {});
  const run: RunSql = async (text, parameters = []) => sql.unsafe(text, [...parameters]);
  try {
    const identity = () => within(deadlineMs, () => identify(run, spelling));
    const { account } = await identity();
    if (kind === "postgres" && prepare) await within(deadlineMs, () => ensureLimit(run, statementMs));
    const clock = await readClock(async () => (await identity()).nowMs, now);
    const facts = await within(deadlineMs, () => dialect.inspect(run, names, countRepeatsBy(run)));
    // The runner gives up first and says why. The server gives up soon after, so that the statement does not run on.
    const scan = (text: string) => spelling.scan(sql, text, deadlineMs + scanGraceMs);
    const database: Database = {
      settings: config.database,
      requests: config.requests,
      statementMs,
      dialect,
      spelling,
      names,
      facts,
      statements: dialect.statements(names, facts, statementMs),
      account,
      clock,
      isBehindPooler: false,
      run,
      scan,
      plan: (text) => spelling.plan(sql, text),
      population: once(() => countUsers({ names, spelling, scan })),
    };
    return { verdict: fine(`${dialect.name} answers`), subject: database, close };
  } catch (error) {
    void close();
    throw error;
  }
}

/** @throws {ParametersDropped} */
async function ensureLimit(run: RunSql, statementMs: number): Promise<void> {
  const query = "SELECT setting AS ms FROM pg_settings WHERE name = 'statement_timeout'";
  const { ms } = await readRow(run, { ms: Type.Number() }, query);
  if (ms !== statementMs) throw new ParametersDropped();
}

function identify(run: RunSql, { identity }: Spelling) {
  return readRow(run, { account: Type.String(), nowMs: Type.Number() }, identity);
}

/** Returns what a failed statement means, in words that quote no data. */
export function explainSqlError(dialect: Dialect): (error: unknown) => Explanation {
  return (error) => {
    const { reason, fix } = dialect.failure(error);
    return { reason, fix };
  };
}

function once<Result>(make: () => Promise<Result>): () => Promise<Result> {
  let made: Promise<Result> | null = null;
  return () => {
    made ??= make();
    return made;
  };
}
