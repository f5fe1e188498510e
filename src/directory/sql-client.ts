import type { DatabaseKind } from "../config/database-address.ts";
import { DatabaseUnavailable, Overloaded } from "../errors.ts";
import type { ConnectionOptions, Dialect, TableNames } from "./dialects/dialect.ts";
import { dialects } from "./dialects/dialects.ts";
import { readOnlyServer, type SqlFailure } from "./dialects/sql-failure.ts";
import {
  createSqlPool,
  PlaceChanged,
  type SqlResult,
  type SqlStatement,
  StatementTimedOut,
} from "./sql-pool.ts";
import { belongToRead, unfitStateOf } from "./user-row.ts";

export interface SqlDirectoryOptions extends ConnectionOptions {
  readonly kind: DatabaseKind;
  readonly names: TableNames;
}

export interface SqlClientOptions extends SqlDirectoryOptions {
  /** Maximum number of statements that may be in flight or wait for a connection. */
  readonly waitingMax: number;
  /** What the operator can do if the database does not answer in time. */
  readonly fixWhenSlow: string;
}

/** Maximum number of times that a read is sent if its connection is lost. */
const readSendsMax = 3;
/**
 * A statement is sent again after half to one and a half of this time, so that many that failed together do not
 * return together.
 */
const pauseMs = 25;
/** The site may also have made its only database read-only for a while. */
const leaveServerEveryMs = 1000;

/**
 * The database did not answer usefully. Where the statement is known, some meanings have an error class of their own.
 */
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
  /** The server's limit for one statement. */
  readonly serverStatementMs: number;
  /** @throws {SqlFailed} | {Overloaded} */
  read(text: string, parameters?: readonly unknown[]): Promise<SqlResult>;
  /**
   * Returns rows that carry `readId`, which is the statement's first parameter, and `unfit`. The read id is new for
   * each call, so that no cache in between can know the statement with its parameters. It is inserted in front of the
   * others.
   *
   * @throws {SqlFailed} also if a row belongs to another read, or comes from a server in an unfit state |
   * {Overloaded}
   */
  readRows(text: string, parameters: readonly unknown[]): Promise<SqlResult>;
  /**
   * @throws {SqlFailed} if its `meaning` is `unknown`, the write may have happened
   * @throws {Overloaded} too many statements are waiting already; nothing was sent
   */
  write(text: string, parameters: readonly unknown[]): Promise<SqlResult>;
  reconnect(): void;
  close(): Promise<void>;
}

/**
 * Sends statements in the dialect of the database. Each is answered within `statementMs`, including retries. The
 * server's limit is a little lower than the client's, so that a slow server reports the timeout itself, and only a
 * dead connection costs the pool.
 */
export function createSqlClient(options: SqlClientOptions): SqlClient {
  const { kind, statementMs, waitingMax, fixWhenSlow } = options;
  const dialect: Dialect = dialects[kind].createDialect();
  const serverStatementMs = Math.max(1, Math.round(statementMs * 0.9));
  const pool = createSqlPool({
    watchPlace: () => dialect.watchPlace(options.url),
    connect: () => dialect.connect({ ...options, statementMs: serverStatementMs }),
    waitingMax,
    closeSeconds: Math.ceil(statementMs / 1000),
  });
  let leftServerAtMs = Number.NEGATIVE_INFINITY;

  /**
   * Runs a statement within the deadline. A statement of which the database reported that it did nothing is sent again if
   * it was `busy`, and so is a read whose connection was lost. A write whose connection was lost is not.
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

  /**
   * A connection keeps the state that the server had when it was opened, such as autocommit, and leads to what was
   * the primary then.
   */
  function leaveServer(): void {
    if (performance.now() - leftServerAtMs < leaveServerEveryMs) return;
    leftServerAtMs = performance.now();
    pool.reconnect();
  }

  const read = (text: string, parameters: readonly unknown[] = []) =>
    ask({ text, parameters, isWrite: false });

  return {
    dialect,
    serverStatementMs,
    read,

    async readRows(text, parameters) {
      const readId = nextReadId();
      const rows = await read(text, [readId, ...parameters]);
      if (!belongToRead(rows, readId)) throw new SqlFailed(cachedRow);
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

/** Distinguishes the read ids of this process from those of all others. */
const readIdPrefix = crypto.randomUUID();
let reads = 0;

function nextReadId(): string {
  reads += 1;
  return `${readIdPrefix}:${reads}`;
}

const cachedRow: SqlFailure = {
  meaning: "misfit",
  reason: "a proxy in front of the database returned rows from its cache",
  fix: "turn off caching of the user table in the proxy in front of the database",
};

/** The statement is known not to have run in the file that is at the path now. */
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
