import { Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import {
  ConfigurationInvalid,
  DatabaseUnavailable,
  OutcomeUnknown,
  Overloaded,
  OwnIdDataTooLong,
  UserUnknown,
} from "../errors.ts";
import type {
  ConnectionOptions,
  Dialect,
  SqlFailure,
  Statements,
  TableFacts,
  TableNames,
} from "./dialects/dialect.ts";
import { createMysqlDialect } from "./dialects/mysql.ts";
import { postgres } from "./dialects/postgres.ts";
import { sqlite } from "./dialects/sqlite.ts";
import { createSqlPool, type SqlResult, StatementTimedOut } from "./sql-pool.ts";
import { findTableProblems } from "./table-check.ts";
import type { UserDirectory, UserRecord } from "./user-directory.ts";

export interface SqlDirectoryOptions extends ConnectionOptions {
  readonly kind: keyof typeof dialects;
  readonly names: TableNames;
}

const dialects = { sqlite: () => sqlite, postgres: () => postgres, mysql: createMysqlDialect };

/** A read that is lost with its connection is sent so often at most. */
const readSendsMax = 3;
/** Before a statement is sent again, between half of it and one and a half: many that failed at once come back one by one. */
const pauseMs = 25;
/** A site may also have made its one database read-only for a while. */
const leaveReplicaEveryMs = 1000;
/** Statements that may wait for each connection: beyond it, waiting would only end in a timeout. */
const waitingPerConnection = 50;

const Row = TypeCompiler.Compile(
  Type.Object({
    loginId: Type.String(),
    ownIdData: Type.Union([Type.String(), Type.Null()]),
    blocked: Type.Union([Type.Boolean(), Type.Number(), Type.String()]),
    databaseTimeMs: Type.Number(),
  }),
);

interface Verified {
  readonly statements: Statements;
  readonly facts: TableFacts;
}

/**
 * The site's own user table over Bun.SQL. `statementMs` bounds every call, retries included: the server's
 * limit lies a little below the client's, so that a slow server answers for itself and only a deaf
 * connection costs the pool. Until `verifyConnection` has succeeded once, every call is refused: an
 * unknown column in SQLite would be read as a text, and a column that pads would change what it keeps.
 */
export function createSqlDirectory(options: SqlDirectoryOptions): UserDirectory {
  const { names, statementMs } = options;
  const dialect: Dialect = dialects[options.kind]();
  const serverStatementMs = Math.max(1, Math.round(statementMs * 0.9));
  const pool = createSqlPool({
    connect: () => dialect.connect({ ...options, statementMs: serverStatementMs }),
    waitingMax: options.poolMax * waitingPerConnection,
    closeSeconds: Math.ceil(statementMs / 1000),
  });
  let verified: Verified | null = null;
  let leftReplicaMs = Number.NEGATIVE_INFINITY;

  /**
   * Runs a statement within the deadline. What the database says it has not begun is sent again; what was
   * lost on the way is sent `sendsMax` times at most, which for a write is once.
   */
  async function ask(text: string, parameters: readonly unknown[], sendsMax: number): Promise<SqlResult> {
    const deadline = performance.now() + statementMs;
    for (let sends = 1; ; sends += 1) {
      try {
        return await pool.run(text, parameters, deadline - performance.now());
      } catch (error) {
        if (error instanceof Overloaded) throw error;
        const failure = meaningOf(error, dialect);
        const mayRepeat = failure.meaning === "busy" || (failure.meaning === "unknown" && sends < sendsMax);
        if (failure.meaning === "replica") leaveReplica();
        const pause = pauseMs * (0.5 + Math.random());
        if (!mayRepeat || performance.now() + pause >= deadline) throw new SqlFailed(failure);
        await Bun.sleep(pause);
      }
    }
  }

  /** A primary that was demoted keeps its connections, and would refuse every write until the sidecar restarts. */
  function leaveReplica(): void {
    if (performance.now() - leftReplicaMs < leaveReplicaEveryMs) return;
    leftReplicaMs = performance.now();
    pool.reconnect();
  }

  const read = (text: string, parameters: readonly unknown[]) => ask(text, parameters, readSendsMax);
  const write = (text: string, parameters: readonly unknown[]) => ask(text, parameters, 1);

  function statements(): Statements {
    if (verified !== null) return verified.statements;
    throw new DatabaseUnavailable(
      "the user table has not been checked yet",
      "none needed: it is tried again",
    );
  }

  async function examineTable(): Promise<Verified> {
    const facts = await dialect.inspect((text, parameters = []) => read(text, parameters), names);
    const problems = findTableProblems(names, facts, dialect);
    if (problems.length > 0) throw new ConfigurationInvalid(problems);
    const prepared = dialect.statements(names, facts, serverStatementMs);
    // No user has the empty login id: these try the statements and the account's privileges, and change nothing.
    await read(prepared.find, [""]);
    await read(prepared.replace, ["", "", "", 0]);
    return { statements: prepared, facts };
  }

  return {
    async verifyConnection() {
      try {
        if (verified === null) verified = await examineTable();
        else await read(verified.statements.find, [""]);
      } catch (error) {
        if (verified === null) pool.reconnect();
        if (!(error instanceof SqlFailed)) throw error;
        const { meaning, reason, remedy } = error.failure;
        const isFinal = meaning === "forbidden" || meaning === "misfit";
        if (!isFinal) throw new DatabaseUnavailable(reason, remedy);
        const mend = meaning === "forbidden" ? dialect.mend.grant(names) : remedy;
        throw new ConfigurationInvalid([`DATABASE_URL: ${reason}: ${mend}`]);
      }
    },

    async find(loginId) {
      try {
        return pickUser(await read(statements().find, [loginId]), loginId);
      } catch (error) {
        if (!(error instanceof SqlFailed)) throw error;
        if (error.failure.meaning === "incomparable") throw new UserUnknown();
        throw new DatabaseUnavailable(error.failure.reason, error.failure.remedy);
      }
    },

    ensureFits(ownIdData) {
      const column = verified?.facts.columns.find(({ name }) => name === names.ownIdDataColumn);
      const capacity = column?.capacity ?? null;
      if (capacity === null) return;
      const length = capacity.unit === "bytes" ? Buffer.byteLength(ownIdData) : codePoints(ownIdData);
      if (length > capacity.amount) throw new OwnIdDataTooLong();
    },

    async replaceOwnIdData({ loginId, expected, replacement, deadlineMs }) {
      try {
        const result = await write(statements().replace, [replacement, loginId, expected, deadlineMs]);
        return result.count === 1;
      } catch (error) {
        if (!(error instanceof SqlFailed)) throw error;
        const { meaning, reason, remedy } = error.failure;
        if (meaning === "too long") throw new OwnIdDataTooLong();
        if (meaning === "unknown") throw new OutcomeUnknown(reason);
        throw new DatabaseUnavailable(reason, remedy);
      }
    },

    close: () => pool.close(),
  } satisfies UserDirectory;
}

/** A statement's failure on its way to the call that knows which error it is there. */
class SqlFailed extends Error {
  readonly failure: SqlFailure;

  constructor(failure: SqlFailure) {
    super(failure.reason);
    this.failure = failure;
  }
}

function meaningOf(error: unknown, dialect: Dialect): SqlFailure {
  if (!(error instanceof StatementTimedOut)) return dialect.failure(error);
  return {
    meaning: "unknown",
    reason: "the database did not answer in time",
    remedy: "see whether the database is overloaded, or the network between drops packets",
  };
}

function pickUser(rows: SqlResult, loginId: string): UserRecord {
  const users = rows.map(parseRow).filter((candidate) => differsInCaseOnly(candidate.loginId, loginId));
  const user = users.length === 1 ? users[0] : users.find((candidate) => candidate.loginId === loginId);
  if (user !== undefined) return user;
  if (users.length === 0) throw new UserUnknown();
  throw new DatabaseUnavailable(
    "the login id column's collation finds several users for one login id",
    "make the column's unique index use the column's own collation",
  );
}

/**
 * Many a collation also calls equal what people and mail servers do not: é and e, all emoji, trailing blanks.
 * Whoever owns `ann@exämple.com` must not become the user `ann@example.com`. Both ways, since the Kelvin sign
 * has the lower case k, but k not the upper case Kelvin.
 */
function differsInCaseOnly(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase() && a.toUpperCase() === b.toUpperCase();
}

function parseRow(row: unknown): UserRecord {
  if (!Row.Check(row)) {
    throw new DatabaseUnavailable("a user's row is not text as its columns promise", "see the table's data");
  }
  return { ...row, blocked: Number(row.blocked) !== 0 };
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
