import { DatabaseUnavailable, Overloaded } from "../errors.ts";
import type { ConnectionOptions, Dialect, TableNames } from "./dialects/dialect.ts";
import { createMysqlDialect } from "./dialects/mysql.ts";
import { postgres } from "./dialects/postgres.ts";
import { readOnlyServer, type SqlFailure } from "./dialects/sql-failure.ts";
import { sqlite } from "./dialects/sqlite.ts";
import {
  createSqlPool,
  PlaceChanged,
  type SqlResult,
  type SqlStatement,
  StatementTimedOut,
} from "./sql-pool.ts";
import { belongToRead, unfitStateOf } from "./user-row.ts";

export interface SqlDirectoryOptions extends ConnectionOptions {
  readonly kind: keyof typeof dialects;
  readonly names: TableNames;
}

const dialects = { sqlite: () => sqlite, postgres: () => postgres, mysql: createMysqlDialect };

export interface SqlClientOptions extends SqlDirectoryOptions {
  /** Statements that may be under way or wait for a connection at once. */
  readonly waitingMax: number;
  /** What the operator can do where the database gives no answer in time. */
  readonly fixWhenSlow: string;
}

/** A read that is lost with its connection is sent so often at most. */
const readSendsMax = 3;
/** Before a statement is sent again, between half of it and one and a half: many that failed at once come back one by one. */
const pauseMs = 25;
/** A site may also have made its one database read-only for a while. */
const leaveServerEveryMs = 1000;

/** The database gave no answer that holds; some of its meanings have an answer of their own where the statement is known. */
export class SqlFailed extends DatabaseUnavailable {
  readonly failure: SqlFailure;

  constructor(failure: SqlFailure) {
    super(failure.reason, failure.fix);
    this.failure = failure;
  }

  get meaning(): SqlFailure["meaning"] {
    return this.failure.meaning;
  }
}

export interface SqlClient {
  readonly dialect: Dialect;
  /** The server's limit of one statement. */
  readonly serverStatementMs: number;
  /** @throws {SqlFailed} | {Overloaded} */
  read(text: string, parameters: readonly unknown[]): Promise<SqlResult>;
  /**
   * Rows that carry `readId`, the statement's first parameter, and `unfit`. The read id is a new one for each call, so
   * that no cache between can know the statement with its parameters; it is put before the others.
   *
   * @throws {SqlFailed} also where a row was made for another read, or by a server in an unfit state | {Overloaded}
   */
  readRows(text: string, parameters: readonly unknown[]): Promise<SqlResult>;
  /** @throws {SqlFailed} `unknown` means that it may have been done | {Overloaded} */
  write(text: string, parameters: readonly unknown[]): Promise<SqlResult>;
  reconnect(): void;
  close(): Promise<void>;
}

/**
 * Statements in the database's own dialect, each with its answer within `statementMs`, retries included. The
 * server's limit lies a little below the client's, so that a slow server answers for itself and only a deaf
 * connection costs the pool.
 */
export function createSqlClient(options: SqlClientOptions): SqlClient {
  const { kind, statementMs, waitingMax, fixWhenSlow } = options;
  const dialect: Dialect = dialects[kind]();
  const serverStatementMs = Math.max(1, Math.round(statementMs * 0.9));
  const pool = createSqlPool({
    watchPlace: () => dialect.watchPlace(options.url),
    connect: () => dialect.connect({ ...options, statementMs: serverStatementMs }),
    waitingMax,
    closeSeconds: Math.ceil(statementMs / 1000),
  });
  let leftServerMs = Number.NEGATIVE_INFINITY;

  /**
   * Runs a statement within the deadline. A statement that the database says it has not begun is sent again, and so is
   * a read that was lost on the way. A write is not.
   */
  async function ask(statement: SqlStatement): Promise<SqlResult> {
    const sendsMax = statement.isWrite ? 1 : readSendsMax;
    const deadline = performance.now() + statementMs;
    for (let sends = 1; ; sends += 1) {
      try {
        return await pool.run(statement, deadline - performance.now());
      } catch (error) {
        if (error instanceof Overloaded) throw error;
        const failure = failureOf(error);
        const mayRepeat = failure.meaning === "busy" || (failure.meaning === "unknown" && sends < sendsMax);
        if (failure.meaning === "replica") leaveServer();
        const pause = pauseMs * (0.5 + Math.random());
        if (!mayRepeat || performance.now() + pause >= deadline) throw new SqlFailed(failure);
        await Bun.sleep(pause);
      }
    }
  }

  function failureOf(error: unknown): SqlFailure {
    if (error instanceof StatementTimedOut) return tooSlow(fixWhenSlow);
    if (error instanceof PlaceChanged) return error.wasRun ? fileReplaced : fileChanged;
    return dialect.failure(error);
  }

  /** A connection keeps the state that the server had when it began, such as autocommit, and leads to a primary of then. */
  function leaveServer(): void {
    if (performance.now() - leftServerMs < leaveServerEveryMs) return;
    leftServerMs = performance.now();
    pool.reconnect();
  }

  const read = (text: string, parameters: readonly unknown[]) => ask({ text, parameters, isWrite: false });

  return {
    dialect,
    serverStatementMs,
    read,

    async readRows(text, parameters) {
      const readId = nextReadId();
      const rows = await read(text, [readId, ...parameters]);
      if (!belongToRead(rows, readId)) throw new SqlFailed(keptRow);
      const name = unfitStateOf(rows);
      if (name === null) return rows;
      leaveServer();
      const state = dialect.unfitStates().find((candidate) => candidate.name === name);
      throw new SqlFailed(state?.failure ?? readOnlyServer);
    },

    write: (text, parameters) => ask({ text, parameters, isWrite: true }),

    reconnect: pool.reconnect,
    close: pool.close,
  };
}

/** What is drawn at the start tells it from those of every other process. */
const drawn = crypto.randomUUID();
let reads = 0;

function nextReadId(): string {
  reads += 1;
  return `${drawn}:${reads}`;
}

const keptRow: SqlFailure = {
  meaning: "misfit",
  reason: "something before the database answers with rows that it has kept from before",
  fix: "let the proxy before the database cache nothing of the user table",
};

/** Known not to have been done in the file that is at the path now. */
const fileChanged: SqlFailure = {
  meaning: "table changed",
  reason: "the file at the path in DATABASE_URL is another one than before",
  fix: "none needed: it is opened again",
};

const fileReplaced: SqlFailure = {
  ...fileChanged,
  meaning: "unknown",
  reason: "the file at the path in DATABASE_URL was replaced during the statement",
};

function tooSlow(fix: string): SqlFailure {
  return { meaning: "unknown", reason: "the database did not answer in time", fix };
}
