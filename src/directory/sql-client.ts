import { DatabaseUnavailable, Overloaded } from "../errors.ts";
import type { ConnectionOptions, Dialect, SqlFailure, TableNames } from "./dialects/dialect.ts";
import { createMysqlDialect } from "./dialects/mysql.ts";
import { postgres } from "./dialects/postgres.ts";
import { sqlite } from "./dialects/sqlite.ts";
import { createSqlPool, type SqlResult, StatementTimedOut } from "./sql-pool.ts";

export interface SqlDirectoryOptions extends ConnectionOptions {
  readonly kind: keyof typeof dialects;
  readonly names: TableNames;
}

const dialects = { sqlite: () => sqlite, postgres: () => postgres, mysql: createMysqlDialect };

export interface SqlClientOptions extends SqlDirectoryOptions {
  /** Statements that may be under way or wait for a connection at once. */
  readonly waitingMax: number;
  /** What the operator can do where the database gives no answer in time. */
  readonly remedyWhenSlow: string;
}

/** A read that is lost with its connection is sent so often at most. */
const readSendsMax = 3;
/** Before a statement is sent again, between half of it and one and a half: many that failed at once come back one by one. */
const pauseMs = 25;
/** A site may also have made its one database read-only for a while. */
const leaveReplicaEveryMs = 1000;

/** The database gave no answer that holds; some of its meanings have an answer of their own where the statement is known. */
export class SqlFailed extends DatabaseUnavailable {
  readonly meaning: SqlFailure["meaning"];

  constructor({ meaning, reason, remedy }: SqlFailure) {
    super(reason, remedy);
    this.meaning = meaning;
  }
}

export type SqlClient = ReturnType<typeof createSqlClient>;

/**
 * Statements in the database's own dialect, each with its answer within `statementMs`, retries included. The
 * server's limit lies a little below the client's, so that a slow server answers for itself and only a deaf
 * connection costs the pool.
 */
export function createSqlClient(options: SqlClientOptions) {
  const { kind, statementMs, waitingMax, remedyWhenSlow } = options;
  const dialect: Dialect = dialects[kind]();
  const serverStatementMs = Math.max(1, Math.round(statementMs * 0.9));
  const pool = createSqlPool({
    connect: () => dialect.connect({ ...options, statementMs: serverStatementMs }),
    waitingMax,
    closeSeconds: Math.ceil(statementMs / 1000),
  });
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
        const failure = error instanceof StatementTimedOut ? tooSlow(remedyWhenSlow) : dialect.failure(error);
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

  return {
    dialect,
    /** The server's limit of one statement. */
    serverStatementMs,

    /** @throws {SqlFailed} | {Overloaded} */
    read: (text: string, parameters: readonly unknown[]) => ask(text, parameters, readSendsMax),

    /** @throws {SqlFailed} `unknown` means that it may have been done | {Overloaded} */
    write: (text: string, parameters: readonly unknown[]) => ask(text, parameters, 1),

    reconnect: pool.reconnect,
    close: pool.close,
  };
}

function tooSlow(remedy: string): SqlFailure {
  return { meaning: "unknown", reason: "the database did not answer in time", remedy };
}
