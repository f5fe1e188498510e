import { Database } from "bun:sqlite";
import { codeOf } from "../error-code.ts";
import { SessionLedgerUnavailable } from "../errors.ts";
import { createPrivateFile } from "../files/private-file.ts";
import type { SessionLedger, SessionLedgerOptions } from "./session-ledger.ts";
import { latestIssueTime } from "./session-token.ts";

export interface SqliteSessionLedgerOptions extends SessionLedgerOptions {
  /** `STATE_FILE`. It is created with mode 0600 on first use. */
  readonly path: string;
}

export interface SqliteSessionLedger extends SessionLedger {
  /** @throws {SessionLedgerUnavailable} the file cannot be created, opened or written */
  open(): void;
  close(): void;
}

const busyMs = 250;

/**
 * `record` has one row: tokens issued up to that second are older than the file, so nothing is known of them. `login_id`
 * names a user as the port does, so it may be a digest.
 */
const schema = `
  CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY CHECK (id = 1), revoked_until INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS revoked (id TEXT PRIMARY KEY, forget_at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS revoked_users (login_id TEXT PRIMARY KEY, revoked_until INTEGER NOT NULL,
                                            forget_at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS exchanged (jti TEXT PRIMARY KEY, forget_at INTEGER NOT NULL) WITHOUT ROWID;
`;

/**
 * Creates the session ledger in the sidecar's own SQLite file, for a site without Redis. Every write is on disk when
 * it returns.
 */
export function createSqliteSessionLedger(options: SqliteSessionLedgerOptions): SqliteSessionLedger {
  const { path, keepSeconds, now } = options;
  let opened: Database | null = null;
  const nowSeconds = () => Math.floor(now() / 1000);

  /** A file that cannot be opened now may be writable later, so each call tries again. */
  function use<Value>(work: (database: Database) => Value): Value {
    try {
      opened ??= openFile(path, latestIssueTime(now()));
      return work(opened);
    } catch (error) {
      throw new SessionLedgerUnavailable(
        `STATE_FILE cannot be used (${codeOf(error) || "unknown failure"})`,
        { cause: error },
      );
    }
  }

  /** Each write also deletes what has expired. */
  function write<Value>(work: (database: Database) => Value): Value {
    return use((database) => {
      forgetExpired(database, keepSeconds, nowSeconds());
      return work(database);
    });
  }

  function recordedFrom(database: Database): number {
    const row = database.query<{ revoked_until: number }, []>("SELECT revoked_until FROM record").get();
    return row?.revoked_until ?? latestIssueTime(now());
  }

  function revokedUntil(database: Database, user: string): number {
    const query = database.query<{ revoked_until: number }, [string]>(
      "SELECT revoked_until FROM revoked_users WHERE login_id = ?",
    );
    return Math.max(query.get(user)?.revoked_until ?? 0, recordedFrom(database));
  }

  return {
    open: () => use(() => {}),

    async revoke(id) {
      write((database) => {
        database
          .query("INSERT INTO revoked VALUES (?, ?) ON CONFLICT DO UPDATE SET forget_at = excluded.forget_at")
          .run(id, nowSeconds() + keepSeconds);
      });
    },

    async revokeUser(user) {
      write((database) => {
        // A token issued since the record began, or since the user's last revocation, may have the next second as `iat`.
        const until = Math.max(latestIssueTime(now()), recordedFrom(database) + 1);
        database
          .query(
            `INSERT INTO revoked_users VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET
             revoked_until = max(revoked_until + 1, excluded.revoked_until), forget_at = excluded.forget_at`,
          )
          .run(user, until, nowSeconds() + keepSeconds);
      });
    },

    revokedUntil: async (user) => use((database) => revokedUntil(database, user)),

    async userRevocation(user) {
      return use((database) => {
        const row = database
          .query<{ until: number; forgetAt: number }, [string]>(
            "SELECT revoked_until AS until, forget_at AS forgetAt FROM revoked_users WHERE login_id = ?",
          )
          .get(user);
        const keptForMs = (row?.forgetAt ?? 0) * 1000 - now();
        return row === null || keptForMs < 0 ? null : { until: row.until, keptForMs };
      });
    },

    async isRevoked({ jti, sid, user, issuedAt }) {
      return use((database) => {
        const row = database.query("SELECT 1 FROM revoked WHERE id IN (?, ?)").get(jti, sid);
        return row !== null || issuedAt <= revokedUntil(database, user);
      });
    },

    async recordExchange(jti, forSeconds) {
      return write((database) => {
        const insert = database.query("INSERT INTO exchanged VALUES (?, ?) ON CONFLICT DO NOTHING");
        return insert.run(jti, nowSeconds() + forSeconds).changes === 1;
      });
    },

    close() {
      opened?.close();
      opened = null;
    },
  };
}

/** Opens the file, or creates it. Tokens that were issued up to the second `revokedUntil` are older than a new file. */
function openFile(path: string, revokedUntil: number): Database {
  createPrivateFile(path, "");
  const database = new Database(path, { create: false, readwrite: true, strict: true });
  try {
    database.run(`PRAGMA busy_timeout = ${busyMs}`);
    database.run("PRAGMA journal_mode = WAL");
    database.run("PRAGMA synchronous = FULL");
    database.transaction(() => {
      database.run(schema);
      database.query("INSERT OR IGNORE INTO record VALUES (1, ?)").run(revokedUntil);
    })();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Deletes what has expired. The tokens that a deleted revocation concerned have expired before, but would be valid
 * again if the clock was ahead and is set back. They count as older than the record from then on.
 */
function forgetExpired(database: Database, keepSeconds: number, nowSeconds: number): void {
  for (const table of ["revoked", "revoked_users"]) {
    const latest = `SELECT max(forget_at) - ? AS revoked_at FROM ${table} WHERE forget_at < ?`;
    database
      .query(`UPDATE record SET revoked_until = revoked_at FROM (${latest}) WHERE revoked_at > revoked_until`)
      .run(keepSeconds, nowSeconds);
  }
  for (const table of ["revoked", "revoked_users", "exchanged"])
    database.query(`DELETE FROM ${table} WHERE forget_at < ?`).run(nowSeconds);
}
