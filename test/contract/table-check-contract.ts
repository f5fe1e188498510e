import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { TableNames } from "../../src/directory/dialects/dialect.ts";
import type { UserDirectory } from "../../src/directory/user-directory.ts";
import { ConfigurationInvalid } from "../../src/errors.ts";
import type { TestDatabase } from "../support/test-database.ts";

/** A table that is there, and what `verifyConnection` says about it: nothing, when it fits. */
export interface TableCase {
  readonly title: string;
  /** Makes the table `accounts`, and what it needs. */
  readonly sql: readonly string[];
  readonly names?: Partial<TableNames>;
  readonly problems: readonly string[];
  /** Doing what the problems say makes the table fit. */
  readonly mends?: true;
  /** Removes what else than `accounts` was made. */
  readonly after?: string;
}

export const accounts: TableNames = {
  table: "accounts",
  loginIdColumn: "email",
  ownIdDataColumn: "ownIdData",
  blockedColumn: null,
};

export const withBlocked = { blockedColumn: "is blocked" };

/** What the operator reads, but for the SQL that each database needs. */
export const problems = {
  noTable: (database: string, table: string, guess: string) =>
    `USERS_TABLE: ${database} has no table "${table}" that this account may see. Did you mean "${guess}"?`,
  noColumn: (variable: string, column: string, guess: string, mend = "") =>
    `USERS_${variable}_COLUMN: table "accounts" has no column "${column}" that this account may see. Did you mean "${guess}"?${mend === "" ? "" : ` Or add it: ${mend}`}`,
  loginIdNotText: (type: string) =>
    `USERS_LOGIN_ID_COLUMN: column "email" is ${type}, not a character type. Name the text column.`,
  notUnique: (mend: string) =>
    `USERS_LOGIN_ID_COLUMN: column "email" is not unique, so one login id could mean two users: ${mend}`,
  notText: (type: string, mend: string) =>
    `USERS_OWNID_DATA_COLUMN: column "ownIdData" is ${type}, not a character type: ${mend}`,
  padded: (type: string, mend: string) =>
    `USERS_OWNID_DATA_COLUMN: column "ownIdData" is ${type}, which pads or cuts blanks, so values would change: ${mend}`,
  short: (type: string, mend: string) =>
    `USERS_OWNID_DATA_COLUMN: column "ownIdData" is ${type}; ownIdData needs 5000 characters at least: ${mend}`,
  narrow: (type: string, mend: string) =>
    `USERS_OWNID_DATA_COLUMN: column "ownIdData" is ${type} in a character set without all of Unicode, so values would change: ${mend}`,
  blocked: (type: string) =>
    `USERS_BLOCKED_COLUMN: column "is blocked" is ${type}. Name a boolean or number column.`,
};

/** What `verifyConnection` says about tables, held against one database. */
export function describeTableCheck(cases: readonly TableCase[], open: () => Promise<TestDatabase>): void {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open();
  });
  afterEach(() => database.closeDirectories());
  afterAll(() => database[Symbol.asyncDispose]());

  for (const { title, sql, names: changes, problems: expected, mends, after } of cases) {
    const fate = expected.length === 0 ? "accepts" : mends ? "refuses, and has mended," : "refuses";
    test(`${fate} ${title}`, async () => {
      for (const statement of sql) await database.run(statement);
      const names = { ...accounts, ...changes };
      const directory = database.directory(names);
      const found = await problemsOf(directory);
      expect(found).toEqual(expected);
      if (mends) {
        const mended = await followAdvice(database, found, names);
        // The same directory sees it too: a running sidecar does not need to start again.
        const again = mended === names ? directory : database.directory(mended);
        expect(await problemsOf(again)).toEqual([]);
      }
      await database.closeDirectories();
      await database.run(after ?? "DROP TABLE accounts");
    });
  }
}

/** Empty when the table fits. */
export async function problemsOf(directory: UserDirectory): Promise<readonly string[]> {
  try {
    await directory.verifyConnection();
    return [];
  } catch (error) {
    if (error instanceof ConfigurationInvalid) return error.problems;
    throw error;
  }
}

/** Does what problems say: runs their SQL, and answers the names with the setting that they change. */
export async function followAdvice(
  database: TestDatabase,
  advice: readonly string[],
  names: TableNames,
  account = "",
): Promise<TableNames> {
  let mended = names;
  for (const sentence of advice) {
    const [, sql, column] =
      /((?:ALTER|CREATE|GRANT) .*;)(?: and USERS_OWNID_DATA_COLUMN=(.*))?$/.exec(sentence) ?? [];
    if (sql === undefined) continue;
    const statements = sql.replaceAll(/<the sidecar's \w+>/g, account).split(/(?<=;) /);
    for (const statement of statements) await database.run(statement);
    if (column !== undefined) mended = { ...mended, ownIdDataColumn: column };
  }
  return mended;
}

/** The same address for another account. */
export function withAccount(url: string, username: string, password: string): string {
  return Object.assign(new URL(url), { username, password }).href;
}
