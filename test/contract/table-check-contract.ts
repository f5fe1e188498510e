import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { UserDirectory } from "../../src/coherence/user-directory.ts";
import type { TableNames } from "../../src/directory/dialects/dialect.ts";
import { problemText } from "../../src/directory/table-problem.ts";
import { ConfigurationInvalid } from "../../src/errors.ts";
import type { TestDatabase } from "../support/test-database.ts";

/** A table that is there, and what `verifyConnection` says about it: nothing, when it fits. */
export interface TableCase {
  readonly title: string;
  /** Makes the table `accounts`, and what it needs. */
  readonly sql: readonly string[];
  readonly names?: Partial<TableNames>;
  readonly problems: readonly string[];
  /** Doing what the problems say makes the table fit: the last of the ways, or the first. */
  readonly isFixable?: true | "first";
  /** Removes what else than `accounts` was made. */
  readonly after?: string;
}

export const accounts: TableNames = {
  table: "accounts",
  loginIdColumn: "email",
  ownIdDataColumn: "ownIdData",
  blockedColumn: null,
  session: null,
};

export const withBlocked = { blockedColumn: "is blocked" };

/** A problem as a start prints it: the sentence, then line by line how it is fixed. */
const told = (sentence: string, fixes: readonly string[]) => [sentence, ...fixes].join("\n      ");

/** What the operator reads, but for the fixes, which differ between databases. */
export const problems = {
  noTable: (database: string, table: string, ...fixes: string[]) =>
    told(`USERS_TABLE: ${database} has no table "${table}".`, fixes),
  noTableSeen: (database: string, table: string, ...fixes: string[]) =>
    told(`USERS_TABLE: ${database} has no table "${table}" that this account may see.`, fixes),
  noColumn: (variable: string, column: string, ...fixes: string[]) =>
    told(`USERS_${variable}_COLUMN: table "accounts" has no column "${column}".`, fixes),
  noColumnSeen: (variable: string, column: string, ...fixes: string[]) =>
    told(
      `USERS_${variable}_COLUMN: table "accounts" has no column "${column}" that this account may see.`,
      fixes,
    ),
  loginIdNotText: (type: string) =>
    told(`USERS_LOGIN_ID_COLUMN: column "email" is ${type}, not a character type.`, [
      "USERS_LOGIN_ID_COLUMN=<the text column of what people log in with>",
    ]),
  notUnique: (...fixes: string[]) =>
    told('USERS_LOGIN_ID_COLUMN: column "email" is not unique, so one login id could mean two users.', fixes),
  notText: (type: string, ...fixes: string[]) =>
    told(`USERS_OWNID_DATA_COLUMN: column "ownIdData" is ${type}, not a character type.`, fixes),
  padded: (type: string, ...fixes: string[]) =>
    told(
      `USERS_OWNID_DATA_COLUMN: column "ownIdData" is ${type}, which pads or cuts blanks, so values would change.`,
      fixes,
    ),
  short: (type: string, ...fixes: string[]) =>
    told(
      `USERS_OWNID_DATA_COLUMN: column "ownIdData" is ${type}; ownIdData needs 5000 characters at least.`,
      fixes,
    ),
  narrow: (type: string, ...fixes: string[]) =>
    told(
      `USERS_OWNID_DATA_COLUMN: column "ownIdData" is ${type} in a character set without all of Unicode, so values would change.`,
      fixes,
    ),
  blocked: (type: string) =>
    told(`USERS_BLOCKED_COLUMN: column "is blocked" is ${type}.`, [
      "USERS_BLOCKED_COLUMN=<a boolean or number column>",
    ]),
};

/** The lines of a way that holds if another name is meant. */
export const meant = (variable: string, name: string) => [
  `# If "${name}" is meant:`,
  `USERS_${variable}=${name}`,
];

/** What `verifyConnection` says about tables, held against one database. */
export function describeTableCheck(cases: readonly TableCase[], open: () => Promise<TestDatabase>): void {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open();
  });
  afterEach(() => database.closeDirectories());
  afterAll(() => database[Symbol.asyncDispose]());

  for (const { title, sql, names: changes, problems: expected, isFixable, after } of cases) {
    const fate = expected.length === 0 ? "accepts" : isFixable ? "refuses, and has repaired," : "refuses";
    test(`${fate} ${title}`, async () => {
      for (const statement of sql) await database.run(statement);
      const names = { ...accounts, ...changes };
      const directory = database.directory(names);
      try {
        expect(await problemsOf(directory)).toEqual(expected);
        if (isFixable) {
          const repaired = await followAdvice(database, names, isFixable === true ? -1 : 0);
          // The same directory sees it too: a running sidecar does not need to start again.
          const again = repaired === names ? directory : database.directory(repaired);
          expect(await problemsOf(again)).toEqual([]);
        }
      } finally {
        await database.closeDirectories();
        await database.run(after ?? "DROP TABLE accounts");
      }
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

/** Takes one of the ways that are printed for each problem, and returns the names with the settings that it changes. */
export async function followAdvice(
  database: TestDatabase,
  names: TableNames,
  way: 0 | -1,
): Promise<TableNames> {
  let changed = names;
  const found = await database.findProblems(names);
  expect(found.map(problemText)).toEqual([...(await problemsOf(database.directory(names)))]);
  for (const step of found.flatMap(({ fixes }) => fixes.at(way)?.steps ?? [])) {
    if (step.kind === "sql") await database.run(step.text);
    else if (step.kind === "setting") changed = renamed(changed, step.text);
    else throw new Error(`not for this test: ${step.text}`);
  }
  return changed;
}

function renamed(names: TableNames, setting: string): TableNames {
  const [variable = "", name = ""] = setting.split("=");
  const member = {
    USERS_TABLE: "table",
    USERS_LOGIN_ID_COLUMN: "loginIdColumn",
    USERS_OWNID_DATA_COLUMN: "ownIdDataColumn",
  }[variable];
  return member === undefined ? names : { ...names, [member]: name };
}

/** Runs the lines of SQL that a start has printed. */
export async function runLines(database: TestDatabase, printed: readonly string[]): Promise<void> {
  const lines = printed.flatMap((problem) => problem.split("\n").slice(1));
  for (const line of lines) if (line.endsWith(";")) await database.run(line.trim());
}

/** The same address for another account. */
export function withAccount(url: string, username: string, password: string): string {
  return Object.assign(new URL(url), { username, password }).href;
}
