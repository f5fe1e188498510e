import type { DatabaseKind } from "../../config/database-address.ts";
import type { StatementSettings, TableNames } from "./dialect.ts";
import { type UnfitState, unfitExpression } from "./unfit-state.ts";

/** The limit of a statement that needs none. Without it, the server's `sql_select_limit` would cut the result off. */
const rowsMax = 65_536;

/** The statements of the scan. Sizes are part of the text, so that the planner knows how few rows are wanted. */
export interface ScanStatements {
  /** Takes nothing; returns one row of `users`. */
  readonly count: string;
  /**
   * Takes a read id and, unless it begins, the login id to continue after. Returns rows of `readId`, `unfit`,
   * `loginId`, `isEnrolled`. Blocked users count as not enrolled.
   */
  list(size: number, begins: boolean): string;
  /**
   * Takes a read id and this many login ids. Returns rows of `readId`, `unfit`, `loginId`, `ownIdData`, possibly in
   * other spellings, without blocked users.
   */
  read(loginIds: number): string;
}

interface Spelling {
  readonly quote: string;
  /** The first parameter, as a text. */
  readonly readId: string;
  readonly parameter: (position: number) => string;
  /**
   * Columns are qualified by the alias of the table. In SQLite, a name that is not a column would otherwise be read
   * as a text.
   */
  readonly text: (column: string) => string;
  readonly isText: (column: string) => string;
  readonly isFilled: (column: string) => string;
  /** True, or a number other than 0, whatever type the column has at the moment. */
  readonly isTrue: (column: string) => string;
}

/**
 * Pages by key and not by OFFSET: each page begins where the last one ended in the unique index. `>` and ORDER BY
 * both follow the collation of the column, under which no two login ids are equal, since the index is unique.
 */
export function createScanStatements(
  kind: DatabaseKind,
  names: TableNames,
  fullName: string,
  states: readonly UnfitState[],
  { before, hint }: StatementSettings,
): ScanStatements {
  const { quote, readId, parameter, text, isText, isFilled, isTrue } = spellings[kind];
  const quoted = (name: string) => quote + name.replaceAll(quote, quote + quote) + quote;
  const loginId = `u.${quoted(names.loginIdColumn)}`;
  const ownIdData = `u.${quoted(names.ownIdDataColumn)}`;
  const from = `FROM ${fullName} AS u WHERE`;
  const as = (expression: string, name: string) => `${expression} AS ${quoted(name)}`;
  const select = `${before} SELECT ${hint}`;
  const unblocked =
    names.blockedColumn === null ? "" : `AND NOT ${isTrue(`u.${quoted(names.blockedColumn)}`)}`;
  const isEnrolled = `${isFilled(ownIdData)} ${unblocked}`;
  const rests = `${as(readId, "readId")}, ${as(unfitExpression(states), "unfit")}`;
  return {
    count: `${select} ${as("count(*)", "users")} ${from} ${isText(loginId)}`,
    list: (size, begins) =>
      `${select} ${rests}, ${as(text(loginId), "loginId")}, ${as(isEnrolled, "isEnrolled")}
       ${from} ${isText(loginId)} ${begins ? "" : `AND ${loginId} > ${parameter(2)}`}
       ORDER BY ${loginId} LIMIT ${size}`,
    read: (loginIds) => {
      const asked = Array.from({ length: loginIds }, (_, index) => parameter(index + 2));
      return `${select} ${rests}, ${as(text(loginId), "loginId")}, ${as(text(ownIdData), "ownIdData")}
              ${from} ${loginId} IN (${asked.join(", ")}) ${unblocked}
              LIMIT ${rowsMax}`;
    },
  };
}

const spellings: Record<DatabaseKind, Spelling> = {
  sqlite: {
    quote: '"',
    readId: "?1",
    parameter: (position) => `?${position}`,
    text: (column) => `CAST(${column} AS TEXT)`,
    isText: (column) => `typeof(${column}) = 'text'`,
    isFilled: (column) => `coalesce(CAST(${column} AS TEXT) COLLATE BINARY <> '', 0)`,
    isTrue: (column) => `coalesce(${column} <> 0, 0)`,
  },

  postgres: {
    quote: '"',
    readId: "$1::text",
    parameter: (position) => `$${position}`,
    text: (column) => `${column}::text`,
    isText: (column) => `${column} IS NOT NULL`,
    isFilled: (column) => `coalesce(${column}::text <> '', false)`,
    isTrue: (column) => `coalesce(to_jsonb(${column}) NOT IN ('false', '0'), false)`,
  },

  mysql: {
    quote: "`",
    readId: "?",
    parameter: () => "?",
    text: (column) => `CONVERT(${column} USING utf8mb4)`,
    isText: (column) => `${column} IS NOT NULL`,
    isFilled: (column) => `coalesce(length(${column}) > 0, 0)`,
    isTrue: (column) => `coalesce(${column} <> 0, 0)`,
  },
};
