import type { DatabaseKind } from "../../config/database-address.ts";
import { quoteTable, type TableNames } from "./dialect.ts";

/** The statements of the scan. Sizes are part of the text, so that the planner knows how little is asked for. */
export interface ScanStatements {
  /** Takes nothing; answers one row of `users`. */
  readonly count: string;
  /** Takes the login id to follow, unless it begins; answers rows of `loginId`, `isEnrolled`. */
  list(size: number, begins: boolean): string;
  /** Takes so many login ids; answers rows of `loginId`, `ownIdData`, perhaps in other spellings. */
  read(loginIds: number): string;
}

interface Spelling {
  readonly quote: string;
  /** Before and after SELECT. */
  readonly before: string;
  readonly hint: string;
  readonly parameter: (position: number) => string;
  /** Columns carry the table's alias: in SQLite, a name that is no column would be read as a text. */
  readonly text: (column: string) => string;
  readonly isText: (column: string) => string;
  readonly isFilled: (column: string) => string;
}

/**
 * Pages by key, not by OFFSET: each begins where the last one ended, in the unique index. `>` and ORDER BY both
 * follow the column's own collation, by which no two login ids are equal, since the index says so.
 */
export function createScanStatements(
  kind: DatabaseKind,
  names: TableNames,
  statementMs: number,
): ScanStatements {
  const { quote, before, hint, parameter, text, isText, isFilled } = spellings[kind](statementMs);
  const quoted = (name: string) => quote + name.replaceAll(quote, quote + quote) + quote;
  const loginId = `u.${quoted(names.loginIdColumn)}`;
  const ownIdData = `u.${quoted(names.ownIdDataColumn)}`;
  const from = `FROM ${quoteTable(names.table, quoted)} AS u WHERE`;
  const as = (expression: string, name: string) => `${expression} AS ${quoted(name)}`;
  const select = `${before} SELECT ${hint}`;
  return {
    count: `${select} ${as("count(*)", "users")} ${from} ${isText(loginId)}`,
    list: (size, begins) =>
      `${select} ${as(text(loginId), "loginId")}, ${as(isFilled(ownIdData), "isEnrolled")}
       ${from} ${isText(loginId)} ${begins ? "" : `AND ${loginId} > ${parameter(1)}`}
       ORDER BY ${loginId} LIMIT ${size}`,
    read: (loginIds) => {
      const asked = Array.from({ length: loginIds }, (_, index) => parameter(index + 1));
      return `${select} ${as(text(loginId), "loginId")}, ${as(text(ownIdData), "ownIdData")}
              ${from} ${loginId} IN (${asked.join(", ")})`;
    },
  };
}

const spellings: Record<DatabaseKind, (statementMs: number) => Spelling> = {
  sqlite: () => ({
    quote: '"',
    before: "",
    hint: "",
    parameter: (position) => `?${position}`,
    text: (column) => `CAST(${column} AS TEXT)`,
    isText: (column) => `typeof(${column}) = 'text'`,
    isFilled: (column) => `coalesce(CAST(${column} AS TEXT) COLLATE BINARY <> '', 0)`,
  }),

  postgres: () => ({
    quote: '"',
    before: "",
    hint: "",
    parameter: (position) => `$${position}`,
    text: (column) => `${column}::text`,
    isText: (column) => `${column} IS NOT NULL`,
    isFilled: (column) => `coalesce(${column}::text <> '', false)`,
  }),

  // Each server takes its own way to limit the time, and reads the other's as a comment.
  mysql: (statementMs) => ({
    quote: "`",
    before: `/*M!100101 SET STATEMENT max_statement_time=${(statementMs / 1000).toFixed(3)} FOR */`,
    hint: `/*+ MAX_EXECUTION_TIME(${statementMs}) */`,
    parameter: () => "?",
    text: (column) => column,
    isText: (column) => `${column} IS NOT NULL`,
    isFilled: (column) => `coalesce(length(${column}) > 0, 0)`,
  }),
};
