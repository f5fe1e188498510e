import { SQL } from "bun";
import type { ColumnFacts, Dialect } from "./dialect.ts";
import { selectSessionColumns } from "./session-columns.ts";
import { type SqlFailure, tableChanged } from "./sql-failure.ts";
import { inspectSqlite } from "./sqlite-catalogue.ts";
import { watchFile } from "./sqlite-file.ts";
import { clockMs, quote } from "./sqlite-spelling.ts";

export const sqlite: Dialect = {
  name: "SQLite",

  watchPlace: watchFile,

  connect({ url }) {
    const sql = new SQL({ adapter: "sqlite", filename: url, create: false, readwrite: true });
    // A call that waited inside SQLite would hold up every other request of this process, and many such calls would
    // run one after the other. This is the only connection, so a failure shows in the first query.
    sql.unsafe("PRAGMA busy_timeout = 0").catch(() => {});
    return sql;
  },

  inspect: inspectSqlite,

  settings: () => ({ before: "", hint: "" }),
  unfitStates: () => [],

  /**
   * Columns are qualified by the alias of the table. A bare name that is no longer a column would be read as a text.
   */
  statements(names, facts) {
    const loginId = `u.${quote(names.loginIdColumn)}`;
    const ownIdData = `u.${quote(names.ownIdDataColumn)}`;
    const blocked = names.blockedColumn === null ? "0" : `coalesce(u.${quote(names.blockedColumn)} <> 0, 0)`;
    const find = (further: string) =>
      `SELECT ?1 AS readId, ${loginId} AS loginId, CAST(${ownIdData} AS TEXT) AS ownIdData, ${blocked} AS blocked,
              ${clockMs} AS databaseTimeMs, NULL AS unfit${further}
       FROM ${facts.fullName} AS u WHERE ${loginId} = ?2 LIMIT 2`;
    return {
      find: find(""),
      findForSession: find(selectSessionColumns(names.session, facts, textOf)),
      replace: `UPDATE ${facts.fullName} AS u SET ${quote(names.ownIdDataColumn)} = ?1
                WHERE ${loginId} = ?2 AND ${loginId} COLLATE BINARY = ?2
                  AND CAST(${ownIdData} AS TEXT) COLLATE BINARY IS ?3 AND (?5 OR NOT ${blocked}) AND ${clockMs} < ?4`,
      parametersOf: (change) => [
        change.replacement,
        change.loginId,
        change.expected,
        change.deadlineMs,
        change.evenIfBlocked === true,
      ],
    };
  },

  failure(error) {
    if (!(error instanceof SQL.SQLiteError)) return unclear;
    const known = failureByCode[error.code] ?? failureByCode[primaryCode(error.code)] ?? defaultFailure;
    return { ...known, reason: `${known.reason} (${error.code})` };
  },
} satisfies Dialect;

/** A BLOB stays one, so that the row is refused: its text could be the same as that of another row. */
function textOf({ name }: ColumnFacts): string {
  const column = `u.${quote(name)}`;
  return `iif(typeof(${column}) = 'blob', ${column}, CAST(${column} AS TEXT))`;
}

/** `SQLITE_BUSY_SNAPSHOT`, for example, is a kind of `SQLITE_BUSY`. */
function primaryCode(code: string): string {
  return code.split("_").slice(0, 2).join("_");
}

const unclear: SqlFailure = {
  meaning: "unknown",
  reason: "SQLite gave no clear answer",
  fix: "check the disk that holds the file",
};

const defaultFailure: SqlFailure = {
  meaning: "not done",
  reason: "SQLite refused the statement",
  fix: "check the table's constraints and triggers",
};

const locked: Omit<SqlFailure, "reason"> = {
  meaning: "busy",
  fix: "find the program that keeps a transaction of the file open, and let it commit sooner",
};

const cannotWrite: SqlFailure = {
  meaning: "forbidden",
  reason: "the SQLite file cannot be written",
  fix: "let the account that runs the sidecar write the file and its folder",
};

/** By result code (sqlite.org/rescode.html). */
const failureByCode: Record<string, SqlFailure> = {
  SQLITE_ERROR: tableChanged,
  SQLITE_SCHEMA: tableChanged,
  SQLITE_MISMATCH: tableChanged,
  // RAISE(FAIL) ends the statement without undoing what it has changed.
  SQLITE_CONSTRAINT_TRIGGER: {
    ...defaultFailure,
    meaning: "half done",
    reason: "a trigger of the table refuses the change",
  },
  SQLITE_BUSY: { ...locked, reason: "another process holds the SQLite file's lock" },
  SQLITE_LOCKED: { ...locked, reason: "another statement holds the table's lock" },
  SQLITE_TOOBIG: { ...defaultFailure, meaning: "too long", reason: "the value is too long for SQLite" },
  SQLITE_CANTOPEN: {
    meaning: "not done",
    reason: "the SQLite file cannot be opened",
    fix: "check that the path in DATABASE_URL exists and may be read",
  },
  SQLITE_NOTADB: {
    meaning: "misfit",
    reason: "the file is not an SQLite database",
    fix: "correct the path in DATABASE_URL",
  },
  SQLITE_READONLY: cannotWrite,
  SQLITE_READONLY_DBMOVED: { ...tableChanged, reason: "the SQLite file has been moved away" },
  SQLITE_PERM: cannotWrite,
  SQLITE_FULL: {
    ...defaultFailure,
    reason: "the disk is full",
    fix: "make room on the disk of the SQLite file",
  },
  SQLITE_IOERR: { ...unclear, reason: "the disk reports an error" },
};
