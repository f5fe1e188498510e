import { expect, setDefaultTimeout, test } from "bun:test";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import { describeWith } from "../support/describe-with.ts";
import { startPgbouncer } from "../support/pgbouncer-server.ts";
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

const postgresWider = 'ALTER TABLE "accounts" ALTER COLUMN "ownIdData" TYPE text;';

const postgresGrant = (table: string, role = "sidecar") =>
  `GRANT SELECT ("email", "ownIdData"), UPDATE ("ownIdData") ON ${table} TO ${role};`;

const postgresCases: readonly TableCase[] = [
  {
    title: "a text column and a primary key",
    sql: ['CREATE TABLE accounts (email text PRIMARY KEY, "ownIdData" text)'],
    problems: [],
  },
  {
    title: "varchar(5000) and a unique index that includes another column",
    sql: [
      'CREATE TABLE accounts (email varchar(320), n int, "ownIdData" varchar(5000))',
      "CREATE UNIQUE INDEX ON accounts (email) INCLUDE (n)",
    ],
    problems: [],
  },
  {
    title: "domains over text",
    sql: ["CREATE DOMAIN words AS text", 'CREATE TABLE accounts (email words UNIQUE, "ownIdData" words)'],
    problems: [],
    after: "DROP DOMAIN words CASCADE; DROP TABLE accounts",
  },
  {
    title: "another name than the table's",
    sql: ['CREATE TABLE accounts (email text PRIMARY KEY, "ownIdData" text)'],
    names: { table: "acounts" },
    problems: [problems.noTable("Postgres", "acounts", ...meant("TABLE", "accounts"))],
  },
  {
    title: "another name than that of the table in a schema",
    sql: [
      'CREATE SCHEMA "site schema"',
      'CREATE TABLE "site schema".accounts (email text PRIMARY KEY, "ownIdData" text)',
    ],
    names: { table: "site schema.acounts" },
    problems: [
      problems.noTable("Postgres", "site schema.acounts", ...meant("TABLE", "site schema.accounts")),
    ],
    after: 'DROP SCHEMA "site schema" CASCADE',
  },
  {
    title: "a column name that Postgres folded",
    sql: ["CREATE TABLE accounts (email text PRIMARY KEY, ownIdData text)"],
    problems: [
      problems.noColumn(
        "OWNID_DATA",
        "ownIdData",
        ...meant("OWNID_DATA_COLUMN", "owniddata"),
        "-- If the column is to be new:",
        'ALTER TABLE "accounts" ADD COLUMN "ownIdData" text;',
        postgresGrant('"accounts"', "postgres"),
      ),
    ],
    isFixable: true,
  },
  {
    title: "a short column",
    sql: ['CREATE TABLE accounts (email text PRIMARY KEY, "ownIdData" varchar(4999))'],
    problems: [problems.short("character varying(4999)", postgresWider)],
    isFixable: true,
  },
  {
    title: "a domain over a short type",
    sql: [
      "CREATE DOMAIN brief AS varchar(100)",
      'CREATE TABLE accounts (email text PRIMARY KEY, "ownIdData" brief)',
    ],
    problems: [problems.short("brief", postgresWider)],
    isFixable: true,
    after: "DROP TABLE accounts; DROP DOMAIN brief",
  },
  {
    title: "a padded column",
    sql: ['CREATE TABLE accounts (email text PRIMARY KEY, "ownIdData" char(6000))'],
    problems: [problems.padded("character(6000)", postgresWider)],
    isFixable: true,
  },
  ...["bytea", "json", "jsonb", "integer"].map((type) => ({
    title: type,
    sql: [`CREATE TABLE accounts (email text PRIMARY KEY, "ownIdData" ${type})`],
    problems: [
      problems.notText(
        type,
        type === "bytea"
          ? `ALTER TABLE "accounts" ALTER COLUMN "ownIdData" TYPE text USING convert_from("ownIdData", 'UTF8');`
          : postgresWider,
      ),
    ],
    isFixable: true as const,
  })),
  ...[
    [
      "is not unique",
      'CREATE TABLE accounts (email text, "ownIdData" text)',
      "CREATE INDEX ON accounts (email)",
    ],
    [
      "is unique with another column only",
      'CREATE TABLE accounts (email text, site text, "ownIdData" text, UNIQUE (email, site))',
    ],
    [
      "is unique only after an expression",
      'CREATE TABLE accounts (email text, "ownIdData" text)',
      "CREATE UNIQUE INDEX ON accounts (lower(email))",
    ],
  ].map(([what, ...sql]) => ({
    title: `a login id that ${what}`,
    sql,
    problems: [problems.notUnique('CREATE UNIQUE INDEX ON "accounts" ("email");')],
    isFixable: true as const,
  })),
  {
    title: "a login id that is unique in a part of the table",
    sql: [
      'CREATE TABLE accounts (email varchar(191) NOT NULL, gone boolean NOT NULL, "ownIdData" text)',
      "CREATE UNIQUE INDEX ON accounts (email) WHERE NOT gone",
      "CREATE INDEX ON accounts (email)",
      "INSERT INTO accounts (email, gone) VALUES ('', true), ('', true), ('sol@testmail.com', true), ('sol@testmail.com', false)",
    ],
    problems: [
      problems
        .notUnique(
          "-- If only the rows that the unique index covers are users:",
          'CREATE VIEW "accounts_with_login" AS SELECT "email", "ownIdData" FROM "accounts" WHERE (NOT gone);',
          postgresGrant('"accounts_with_login"', "postgres"),
          "USERS_TABLE=accounts_with_login",
          "-- If all rows are users, give each login id to one of them, then:",
          'CREATE UNIQUE INDEX ON "accounts" ("email");',
        )
        .replace(
          "two users.",
          "two users: 1 login id occurs in several rows, and the empty one occurs in 2 rows.",
        ),
    ],
    isFixable: "first",
    after: "DROP TABLE accounts CASCADE",
  },
  {
    title: "a blocked column that is a text",
    sql: ['CREATE TABLE accounts (email text PRIMARY KEY, "ownIdData" text, "is blocked" text)'],
    names: withBlocked,
    problems: [problems.blocked("text")],
  },
  {
    title: "a table with which everything is wrong, saying all at once",
    sql: ['CREATE TABLE accounts (email bigint PRIMARY KEY, "ownIdData" varchar(255), "isBlocked" boolean)'],
    names: withBlocked,
    problems: [
      problems.loginIdNotText("bigint"),
      problems.short("character varying(255)", postgresWider),
      problems.noColumn("BLOCKED", "is blocked", ...meant("BLOCKED_COLUMN", "isBlocked")),
    ],
  },
];

describeWith("postgres", "Postgres", () => {
  describeTableCheck(postgresCases, async () => {
    const url = await (await sharedPostgres()).createDatabase("table_check");
    return openTestDatabase({ kind: "postgres", url });
  });

  const ungranted = {
    "may only read": [
      'CREATE TABLE accounts (email text PRIMARY KEY, "ownIdData" text)',
      "GRANT SELECT ON accounts TO sidecar",
    ],
    "may not read the data": [
      'CREATE TABLE accounts (email text PRIMARY KEY, "ownIdData" text)',
      "GRANT SELECT (email), UPDATE ON accounts TO sidecar",
    ],
  };
  for (const [what, sql] of Object.entries(ungranted)) {
    test(`refuses, and has repaired, an account that ${what}`, async () => {
      await using database = await openAsSidecar();
      for (const statement of sql) await database.run(statement);
      const directory = database.directory(accounts);
      const found = await problemsOf(directory);
      expect(found).toEqual([`${postgresForbidden}.\n      ${postgresGrant('"accounts"')}`]);
      await runLines(database, found);
      expect(await problemsOf(directory)).toEqual([]);
    });
  }

  test("refuses, and has repaired, an account that may not enter the schema", async () => {
    await using database = await openAsSidecar();
    await database.run("CREATE SCHEMA app");
    await database.run('CREATE TABLE app.accounts (email text PRIMARY KEY, "ownIdData" text)');
    const directory = database.directory({ ...accounts, table: "app.accounts" });
    const found = await problemsOf(directory);
    expect(found).toEqual([
      `USERS_TABLE: the role may not enter the schema "app".\n      GRANT USAGE ON SCHEMA "app" TO sidecar;\n      ${postgresGrant('"app"."accounts"')}`,
    ]);
    await runLines(database, found);
    expect(await problemsOf(directory)).toEqual([]);
  });
});

const postgresForbidden = "DATABASE_URL: the sidecar's role lacks a privilege (SQLSTATE 42501)";

let sidecarDatabases = 0;

/** A new database to which directories connect as `sidecar`, who owns nothing. */
async function openAsSidecar(): Promise<TestDatabase> {
  const name = `granted_${++sidecarDatabases}`;
  const siteUrl = await (await sharedPostgres()).createDatabase(name);
  const url = withAccount(siteUrl, "sidecar", "of the sidecar");
  const database = openTestDatabase({ kind: "postgres", url, siteUrl });
  if (sidecarDatabases === 1) await database.run("CREATE ROLE sidecar LOGIN PASSWORD 'of the sidecar'");
  return database;
}

describeWith("pgbouncer", "Postgres behind PgBouncer", () => {
  describeTableCheck(postgresCases, async () => {
    const postgres = await sharedPostgres();
    const siteUrl = await postgres.createDatabase("pooled_table_check");
    const server = await startPgbouncer(postgres);
    const url = server.url("pooled_table_check");
    return openTestDatabase({ kind: "postgres", url, siteUrl, prepare: false, server });
  });
});
