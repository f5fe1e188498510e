import type { SQL } from "bun";
import type { DatabaseKind } from "../../src/config/database-address.ts";
import type { Dialect } from "../../src/directory/dialects/dialect.ts";
import { createMysqlDialect } from "../../src/directory/dialects/mysql.ts";
import { postgres } from "../../src/directory/dialects/postgres.ts";
import { sqlite } from "../../src/directory/dialects/sqlite.ts";

/** How the doctor's own statements are written for each kind of database. */
export interface Spelling {
  readonly dialect: () => Dialect;
  readonly quote: (identifier: string) => string;
  /** Answers `account`: who the sidecar is there, as GRANT writes it; and `nowMs`, the server's clock. */
  readonly identity: string;
  /** The length of a text in characters, and in bytes of UTF-8. */
  readonly characters: (text: string) => string;
  readonly bytes: (text: string) => string;
  /** A text that nothing but the same bytes is equal to. */
  readonly bytewise: (text: string) => string;
  /** A text as functions take it, free of its column's collation. */
  readonly plain: (column: string) => string;
  /** A column in lower case, as close to `toLowerCase()` as the database comes. */
  readonly lowered: (column: string) => string;
  /** Runs a statement that reads a whole table; the server gives it up after `limitMs`. */
  scan(sql: SQL, text: string, limitMs: number): Promise<readonly unknown[]>;
  /** The plan of a statement with two parameters, where the planner takes an index whenever it can. */
  plan(sql: SQL, text: string): Promise<readonly unknown[]>;
  /** Whether the plan, written out, looks rows up in an index by what is asked for. */
  usesIndex(plan: string): boolean;
}

const doubled = (mark: string) => (name: string) => mark + name.replaceAll(mark, mark + mark) + mark;
const explain = (prefix: string, text: string) => text.replace("SELECT", `${prefix} SELECT`);

/** It answers `user@host`, and the user's name may have an @ as well. */
const mysqlHost = "substring_index(current_user(), '@', -1)";
const mysqlUser = `left(current_user(), char_length(current_user()) - char_length(${mysqlHost}) - 1)`;

export const spellings: Record<DatabaseKind, Spelling> = {
  sqlite: {
    dialect: () => sqlite,
    quote: doubled('"'),
    identity: "SELECT '' AS account, (julianday('now') - 2440587.5) * 86400000.0 AS nowMs",
    characters: (text) => `length(${text})`,
    bytes: (text) => `length(CAST(${text} AS BLOB))`,
    bytewise: (text) => `${text} COLLATE BINARY`,
    plain: (column) => `CAST(${column} AS TEXT)`,
    lowered: (column) => `lower(${column})`,
    // It runs within the call, so nothing can end it before it ends.
    scan: async (sql, text) => sql.unsafe(text),
    plan: async (sql, text) => sql.unsafe(explain("EXPLAIN QUERY PLAN", text), ["", ""]),
    usesIndex: (plan) => /SEARCH .* USING/.test(plan),
  },

  postgres: {
    dialect: () => postgres,
    quote: doubled('"'),
    identity: `SELECT quote_ident(current_user) AS account, (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "nowMs"`,
    characters: (text) => `char_length(${text})`,
    bytes: (text) => `octet_length(convert_to(${text}, 'UTF8'))`,
    bytewise: (text) => `${text} COLLATE "C"`,
    plain: (column) => `(${column}::text COLLATE "C")`,
    lowered: (column) => `lower(${column}::text COLLATE "und-x-icu")`,
    scan: (sql, text, limitMs) =>
      sql.begin(async (transaction) => {
        await transaction.unsafe(`SET LOCAL statement_timeout = ${Math.ceil(limitMs)}`);
        return transaction.unsafe(text);
      }),
    // A small table is faster read as a whole, so that its plan would say nothing.
    plan: (sql, text) =>
      sql.begin(async (transaction) => {
        await transaction.unsafe("SET LOCAL enable_seqscan = off");
        return transaction.unsafe(explain("EXPLAIN (FORMAT JSON)", text), ["", ""]);
      }),
    usesIndex: (plan) => plan.includes("Index Cond"),
  },

  mysql: {
    dialect: createMysqlDialect,
    quote: doubled("`"),
    identity: `SELECT concat(quote(${mysqlUser}), '@', quote(${mysqlHost})) AS account,
                      CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000 AS CHAR) AS nowMs`,
    characters: (text) => `char_length(${text})`,
    bytes: (text) => `octet_length(CONVERT(${text} USING utf8mb4))`,
    bytewise: (text) => `CAST(CONVERT(${text} USING utf8mb4) AS BINARY)`,
    plain: (column) => column,
    lowered: (column) => `lower(${column})`,
    // Each server takes its own way to limit the time, and reads the other's as a comment.
    scan: async (sql, text, limitMs) => {
      const before = `/*M!100101 SET STATEMENT max_statement_time=${(limitMs / 1000).toFixed(3)} FOR */`;
      return sql.unsafe(
        before + text.replace("SELECT", `SELECT /*+ MAX_EXECUTION_TIME(${Math.ceil(limitMs)}) */`),
      );
    },
    plan: async (sql, text) => sql.unsafe(explain("EXPLAIN", text), ["", ""]),
    // A row of a unique index is looked up before there is a plan at all, and so is the only row of a table ("system").
    usesIndex: (plan) =>
      /"table":"u"[^}]*"type":"(?:system|const|eq_ref|ref)"|const table|no matching row/i.test(plan),
  },
};
