import { describe, expect, test } from "bun:test";
import { createSqliteFile } from "../support/test-database.ts";
import {
  accounts,
  describeTableCheck,
  meant,
  problems,
  problemsOf,
  type TableCase,
  withBlocked,
} from "./table-check-contract.ts";

const sqliteWider = [
  'ALTER TABLE "accounts" ADD COLUMN "ownIdData_text" TEXT;',
  'UPDATE "accounts" SET "ownIdData_text" = CAST("ownIdData" AS TEXT);',
  "USERS_OWNID_DATA_COLUMN=ownIdData_text",
];
const addColumn = ["-- If the column is to be new:", 'ALTER TABLE "accounts" ADD COLUMN "ownIdData" TEXT;'];

const sqliteCases: readonly TableCase[] = [
  {
    title: "a text column and a unique one",
    sql: ['CREATE TABLE accounts (email TEXT UNIQUE, "ownIdData" TEXT)'],
    problems: [],
  },
  {
    title: "columns without types",
    sql: ['CREATE TABLE accounts (email PRIMARY KEY, "ownIdData") WITHOUT ROWID'],
    problems: [],
  },
  {
    title: "a CHAR, which SQLite does not pad",
    sql: ['CREATE TABLE accounts (email TEXT UNIQUE, "ownIdData" CHAR(5000))'],
    problems: [],
  },
  {
    title: "another name than the table's",
    sql: ['CREATE TABLE accounts (email TEXT UNIQUE, "ownIdData" TEXT)'],
    names: { table: "acounts" },
    problems: [problems.noTable("SQLite", "acounts", ...meant("TABLE", "accounts"))],
  },
  {
    title: "a name that is no column's, which SQLite would read as a text",
    sql: ["CREATE TABLE accounts (email TEXT UNIQUE, ownid_data TEXT)"],
    problems: [
      problems.noColumn("OWNID_DATA", "ownIdData", ...meant("OWNID_DATA_COLUMN", "ownid_data"), ...addColumn),
    ],
    isFixable: true,
  },
  {
    title: "a short column",
    sql: ['CREATE TABLE accounts (email TEXT UNIQUE, "ownIdData" VARCHAR(4999))'],
    problems: [problems.short("VARCHAR(4999)", ...sqliteWider)],
    isFixable: true,
  },
  {
    title: "a BLOB",
    sql: ['CREATE TABLE accounts (email TEXT UNIQUE, "ownIdData" BLOB)'],
    problems: [problems.notText("BLOB", ...sqliteWider)],
    isFixable: true,
  },
  ...[
    ["is not unique", 'CREATE TABLE accounts (email TEXT, "ownIdData" TEXT)'],
    [
      "is unique with another column only",
      'CREATE TABLE accounts (email TEXT, site TEXT, "ownIdData" TEXT, UNIQUE (email, site))',
    ],
    [
      "is unique only after an expression",
      'CREATE TABLE accounts (email TEXT, "ownIdData" TEXT)',
      "CREATE UNIQUE INDEX lowered ON accounts (lower(email))",
    ],
  ].map(([what, ...sql]) => ({
    title: `a login id that ${what}`,
    sql,
    problems: [problems.notUnique('CREATE UNIQUE INDEX "accounts_email" ON "accounts" ("email");')],
    isFixable: true as const,
  })),
  {
    title: "a login id that is unique in a part of the table",
    sql: [
      'CREATE TABLE accounts (email TEXT NOT NULL COLLATE NOCASE, "ownIdData" TEXT, gone INTEGER)',
      "CREATE UNIQUE INDEX live ON accounts (email) WHERE gone = 0",
      "INSERT INTO accounts (email, gone) VALUES ('sol@testmail.com', 1), ('sol@testmail.com', 0), ('Sol@testmail.com', 1)",
    ],
    problems: [
      problems
        .notUnique(
          "-- If only the rows that the unique index covers are users:",
          'ALTER TABLE "accounts" ADD COLUMN "email_of_user" TEXT COLLATE NOCASE GENERATED ALWAYS AS (CASE WHEN gone = 0 THEN "email" END) VIRTUAL;',
          'CREATE UNIQUE INDEX "accounts_email_of_user" ON "accounts" ("email_of_user");',
          "USERS_LOGIN_ID_COLUMN=email_of_user",
          "-- If all rows are users, give each login id to one of them, then:",
          'CREATE UNIQUE INDEX "accounts_email" ON "accounts" ("email");',
        )
        .replace("two users.", "two users: 1 login id occurs in several rows."),
    ],
    isFixable: "first",
  },
  {
    title: "a blocked column that is a text",
    sql: ['CREATE TABLE accounts (email TEXT UNIQUE, "ownIdData" TEXT, "is blocked" TEXT)'],
    names: withBlocked,
    problems: [problems.blocked("TEXT")],
  },
  {
    title: "a table with which everything is wrong, saying all at once",
    sql: ["CREATE TABLE accounts (email INTEGER PRIMARY KEY, owniddata TEXT, isblocked INTEGER)"],
    names: withBlocked,
    problems: [
      problems.loginIdNotText("INTEGER"),
      problems.noColumn("OWNID_DATA", "ownIdData", ...meant("OWNID_DATA_COLUMN", "owniddata"), ...addColumn),
      problems.noColumn("BLOCKED", "is blocked", ...meant("BLOCKED_COLUMN", "isblocked")),
    ],
  },
];

describe("SQLite", () => {
  describeTableCheck(sqliteCases, async () => createSqliteFile());

  test("refuses a file that it may read and not write, and says for whom to open it", async () => {
    await using database = createSqliteFile();
    await database.run('CREATE TABLE accounts (email TEXT UNIQUE, "ownIdData" TEXT)');
    await writeByte(database.path, sqliteWriteVersionOffset, 3);
    expect(await problemsOf(database.directory(accounts))).toEqual([
      "DATABASE_URL: the SQLite file cannot be written (SQLITE_READONLY).\n      # Let the account that runs the sidecar write the file and its folder.",
    ]);
  });

  test("refuses a file that is not a database", async () => {
    await using database = createSqliteFile();
    await Bun.write(database.path, "id,email\n1,ann@example.com\n".repeat(100));
    expect(await problemsOf(database.directory(accounts))).toEqual([
      "DATABASE_URL: the file is not an SQLite database (SQLITE_NOTADB): correct the path in DATABASE_URL",
    ]);
  });
});

/** Of SQLite's file header: a database with a version there that SQLite does not know is opened to be read only. */
const sqliteWriteVersionOffset = 18;

async function writeByte(path: string, offset: number, byte: number): Promise<void> {
  const bytes = new Uint8Array(await Bun.file(path).arrayBuffer());
  bytes[offset] = byte;
  await Bun.write(path, bytes);
}
