import type { StatementSettings, TableNames } from "../../src/directory/dialects/dialect.ts";
import type { Spelling } from "../../src/directory/dialects/spelling.ts";
import { type UnfitState, unfitExpression } from "../../src/directory/dialects/unfit-state.ts";

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

/**
 * Pages by key and not by OFFSET: each page begins where the last one ended in the unique index. `>` and ORDER BY
 * both follow the collation of the column, under which no two login ids are equal, since the index is unique.
 */
export function createScanStatements(
  { quote, firstAsText, parameter, text, isText, isFilled, isTrue }: Spelling,
  names: TableNames,
  fullName: string,
  states: readonly UnfitState[],
  { before, hint }: StatementSettings,
): ScanStatements {
  const loginId = `u.${quote(names.loginIdColumn)}`;
  const ownIdData = `u.${quote(names.ownIdDataColumn)}`;
  const from = `FROM ${fullName} AS u WHERE`;
  const as = (expression: string, name: string) => `${expression} AS ${quote(name)}`;
  const select = `${before} SELECT ${hint}`;
  const unblocked =
    names.blockedColumn === null ? "" : `AND NOT ${isTrue(`u.${quote(names.blockedColumn)}`)}`;
  const isEnrolled = `${isFilled(ownIdData)} ${unblocked}`;
  const rests = `${as(firstAsText, "readId")}, ${as(unfitExpression(states), "unfit")}`;
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
