import { expect, setDefaultTimeout, test } from "bun:test";
import { sharedMariadb, startMariadb } from "../../scripts/servers/mariadb-server.ts";
import { describeWith, describeWithPrivate } from "../support/describe-with.ts";
import { openTestDatabase, type TestDatabase } from "../support/test-database.ts";
import {
  accounts,
  describeTableCheck,
  meant,
  problems,
  problemsOf,
  runLines,
  type TableCase,
  withAccount,
  withBlocked,
} from "./table-check-contract.ts";

setDefaultTimeout(30_000);

const mariadbWider = (collation: string | null = "utf8mb4_general_ci") => {
  const collate = collation === null ? "" : ` COLLATE ${collation}`;
  return `ALTER TABLE \`accounts\` MODIFY \`ownIdData\` LONGTEXT CHARACTER SET utf8mb4${collate};`;
};
const strict = "SET SESSION sql_mode = concat(@@sql_mode, ',STRICT_ALL_TABLES');";
const mariadbGrant = (table: string, account: string) =>
  `GRANT SELECT (\`email\`, \`ownIdData\`), UPDATE (\`ownIdData\`) ON \`${table}\` TO ${account};`;
const root = "'root'@'127.0.0.1'";

const mariadbCases: readonly TableCase[] = [
  {
    title: "a text column and a primary key",
    sql: ["CREATE TABLE accounts (email varchar(320) PRIMARY KEY, ownIdData text)"],
    problems: [],
  },
  {
    title: "varchar(5000), and login ids in latin1",
    sql: ["CREATE TABLE accounts (email varchar(320) CHARACTER SET latin1 UNIQUE, ownIdData varchar(5000))"],
    problems: [],
  },
  {
    title: "another name than the table's",
    sql: ["CREATE TABLE accounts (email varchar(320) PRIMARY KEY, ownIdData text)"],
    names: { table: "acounts" },
    problems: [
      problems.noTableSeen(
        "MySQL/MariaDB",
        "acounts",
        ...meant("TABLE", "accounts"),
        "-- If the table is there:",
        mariadbGrant("acounts", root),
      ),
    ],
  },
  {
    title: "a name that is no column's",
    sql: ["CREATE TABLE accounts (email varchar(320) PRIMARY KEY, ownid_data text)"],
    problems: [
      problems.noColumnSeen(
        "OWNID_DATA",
        "ownIdData",
        ...meant("OWNID_DATA_COLUMN", "ownid_data"),
        "-- If the column is to be new:",
        "ALTER TABLE `accounts` ADD COLUMN IF NOT EXISTS `ownIdData` TEXT CHARACTER SET utf8mb4;",
        mariadbGrant("accounts", root),
      ),
    ],
    isFixable: true,
  },
  {
    title: "a padded column",
    sql: ["CREATE TABLE accounts (email varchar(320) PRIMARY KEY, ownIdData char(255))"],
    problems: [problems.padded("char(255)", mariadbWider())],
    isFixable: true,
  },
  ...["varchar(4999)", "tinytext"].map((type) => ({
    title: `${type}, which is short`,
    sql: [`CREATE TABLE accounts (email varchar(320) PRIMARY KEY, ownIdData ${type})`],
    problems: [problems.short(type, mariadbWider())],
    isFixable: true as const,
  })),
  ...(
    [
      ["blob", strict, mariadbWider(null)],
      ["json", mariadbWider("utf8mb4_bin")],
      ["int(11)", mariadbWider(null)],
    ] as const
  ).map(([type, ...fix]) => ({
    title: type,
    sql: [`CREATE TABLE accounts (email varchar(320) PRIMARY KEY, ownIdData ${type})`],
    problems: [problems.notText(type, ...fix)],
    isFixable: true as const,
  })),
  ...["latin1", "utf8mb3"].map((charset) => ({
    title: `a text in ${charset}, which cannot spell emoji`,
    sql: [`CREATE TABLE accounts (email varchar(320) PRIMARY KEY, ownIdData text CHARACTER SET ${charset})`],
    problems: [problems.narrow("text", mariadbWider(null))],
    isFixable: true as const,
  })),
  ...[
    ["is not unique", "INDEX (email)"],
    ["is unique with another column only", "UNIQUE (email, site)"],
    ["is unique by its beginning only", "UNIQUE (email(20))"],
  ].map(([what, index]) => ({
    title: `a login id that ${what}`,
    sql: [`CREATE TABLE accounts (email varchar(320), site int, ownIdData text, ${index})`],
    problems: [problems.notUnique("ALTER TABLE `accounts` ADD UNIQUE (`email`);")],
    isFixable: true as const,
  })),
  {
    title: "a blocked column that is an enum",
    sql: [
      "CREATE TABLE accounts (email varchar(320) PRIMARY KEY, ownIdData text, `is blocked` enum('yes','no'))",
    ],
    names: withBlocked,
    problems: [problems.blocked("enum('yes','no')")],
  },
  {
    title: "a table with which everything is wrong, saying all at once",
    sql: ["CREATE TABLE accounts (email varbinary(320) PRIMARY KEY, ownIdData varchar(255), isBlocked int)"],
    names: withBlocked,
    problems: [
      problems.loginIdNotText("varbinary(320)"),
      problems.short("varchar(255)", mariadbWider()),
      problems.noColumnSeen(
        "BLOCKED",
        "is blocked",
        ...meant("BLOCKED_COLUMN", "isBlocked"),
        "-- If the table has the column:",
        "GRANT SELECT (`email`, `ownIdData`, `is blocked`), UPDATE (`ownIdData`) ON `accounts` TO 'root'@'127.0.0.1';",
      ),
    ],
  },
];

describeWith("mariadb", "MariaDB", () => {
  describeTableCheck(mariadbCases, async () => {
    const url = await (await sharedMariadb()).createDatabase("table_check");
    return openTestDatabase({ kind: "mysql", url });
  });

  test("refuses, and has repaired, an account that may not see the table", async () => {
    await using database = await openAsMariadbSidecar("unseen");
    await database.run("CREATE TABLE accounts (email varchar(320) PRIMARY KEY, ownIdData text)");
    await database.run("CREATE TABLE account (id int)");
    await database.run(`GRANT SELECT ON account TO ${mariadbSidecar}`);
    const directory = database.directory(accounts);
    const found = await problemsOf(directory);
    expect(found).toEqual([
      problems.noTableSeen(
        "MySQL/MariaDB",
        "accounts",
        ...meant("TABLE", "account"),
        "-- If the table is there:",
        mariadbGrant("accounts", mariadbSidecar),
      ),
    ]);
    await runLines(database, found);
    expect(await problemsOf(directory)).toEqual([]);
  });

  test("refuses, and has repaired, an account that may only read", async () => {
    await using database = await openAsMariadbSidecar("unwritten");
    await database.run("CREATE TABLE accounts (email varchar(320) PRIMARY KEY, ownIdData text)");
    await database.run(`GRANT SELECT ON accounts TO ${mariadbSidecar}`);
    const directory = database.directory(accounts);
    const found = await problemsOf(directory);
    expect(found).toEqual([
      `DATABASE_URL: the sidecar's user lacks a privilege (error 1142).\n      ${mariadbGrant("accounts", mariadbSidecar)}`,
    ]);
    await runLines(database, found);
    expect(await problemsOf(directory)).toEqual([]);
  });
});

const mariadbSidecar = "'sidecar'@'127.0.0.1'";

/** A new database to which directories connect as `sidecar`, who owns nothing. */
async function openAsMariadbSidecar(name: string): Promise<TestDatabase> {
  const siteUrl = await (await sharedMariadb()).createDatabase(name);
  const url = withAccount(siteUrl, "sidecar", "of the sidecar");
  const database = openTestDatabase({ kind: "mysql", url, siteUrl });
  await database.run(`CREATE USER IF NOT EXISTS ${mariadbSidecar} IDENTIFIED BY 'of the sidecar'`);
  return database;
}

describeWithPrivate("mariadb", "MariaDB that makes every connection speak latin1", () => {
  test("is refused, since it would store something else than it is given", async () => {
    await using server = await startMariadb({
      settings: { "character-set-client-handshake": "OFF", "character-set-server": "latin1" },
    });
    await using database = openTestDatabase({ kind: "mysql", url: server.url() });
    await database.run(
      "CREATE TABLE accounts (email varchar(320) PRIMARY KEY, ownIdData text CHARACTER SET utf8mb4)",
    );
    expect(await problemsOf(database.directory(accounts))).toEqual([
      expect.stringMatching(
        /^DATABASE_URL: the server makes every connection speak latin1, so values would change\.\n +-- Until the server restarts:\n +SET GLOBAL character_set_server/,
      ),
    ]);
  });
});
