import { expect, setDefaultTimeout, test } from "bun:test";
import { createPostgresSite, grant, type PostgresSite, table, unique } from "../support/advised-postgres.ts";
import { itemsOf } from "../support/deployment.ts";
import { describeWith, describeWithPrivate } from "../support/describe-with.ts";
import {
  expectOneUser,
  openDirectory,
  problemsAtStart,
  rows,
  type TableFault,
  testAdvice,
} from "../support/followed-advice.ts";

setDefaultTimeout(30_000);

/** What the catalogue says about the column, as `psql` would show it. */
async function definitionOf({ administrate }: PostgresSite, column: string): Promise<unknown> {
  return administrate(`
    SELECT format_type(atttypid, atttypmod) AS type, attnotnull AS "isNotNull", pg_get_expr(adbin, adrelid) AS "byDefault",
           col_description(attrelid, attnum) AS comment
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = 'users'::regclass AND attname = '${column}'`);
}

const data = "database.data-column";
const loginId = "database.login-id-column";
const columnAs = (type: string) =>
  `ALTER TABLE users DROP COLUMN "ownIdData", ADD COLUMN "ownIdData" ${type}`;
const isLeftAs = (column: string, definition: Record<string, unknown>) => async (site: PostgresSite) =>
  expect(await definitionOf(site, column)).toEqual([definition]);
const deleted =
  "INSERT INTO users (email, gone) VALUES ('sol@testmail.com', true), ('sol@testmail.com', true), ('eva@testmail.com', true)";

const faults: Record<string, TableFault<PostgresSite>> = {
  "a column that is missing, for a role that may see the login ids alone": {
    id: data,
    sql: [
      unique,
      rows,
      'ALTER TABLE users RENAME COLUMN "ownIdData" TO old',
      "GRANT SELECT (email) ON users TO #",
    ],
    says: 'table "users" has no column "ownIdData"',
  },
  "a role that may not write": {
    id: "database.privileges",
    sql: [unique, rows, 'GRANT SELECT (email, "ownIdData") ON users TO #'],
  },
  "a role that may not enter the schema": {
    id: "database.table",
    sql: [unique, rows, "CREATE SCHEMA site", "ALTER TABLE users SET SCHEMA site", "SET search_path = site"],
    settings: { USERS_TABLE: "site.users" },
    says: 'the role may not enter the schema "site"',
  },
  "a short column that is NOT NULL, has a default and a comment": {
    id: data,
    sql: [
      unique,
      rows,
      columnAs("varchar(255) NOT NULL DEFAULT 'it''s'"),
      `COMMENT ON COLUMN users."ownIdData" IS 'for OwnID'`,
      grant,
    ],
    holds: isLeftAs("ownIdData", {
      type: "text",
      isNotNull: true,
      byDefault: "'it''s'::character varying",
      comment: "for OwnID",
    }),
  },
  "a jsonb column that has a default": {
    id: data,
    sql: [unique, rows, columnAs("jsonb DEFAULT '{}'"), grant],
    rewritesData: true,
    holds: isLeftAs("ownIdData", {
      type: "text",
      isNotNull: false,
      byDefault: "'{}'::jsonb",
      comment: null,
    }),
  },
  "a domain that is NOT NULL and has a default": {
    id: data,
    sql: [
      "CREATE DOMAIN brief AS varchar(100) NOT NULL DEFAULT 'none'",
      unique,
      rows,
      columnAs("brief"),
      grant,
    ],
    holds: isLeftAs("ownIdData", {
      type: "text",
      isNotNull: true,
      byDefault: "'none'::character varying",
      comment: null,
    }),
  },
  "a short column that a view of the site uses": {
    id: data,
    sql: [
      unique,
      rows,
      columnAs("varchar(255) DEFAULT '{}'"),
      'CREATE VIEW report AS SELECT email, "ownIdData" FROM users',
      grant,
    ],
    holds: async ({ administrate }) => {
      expect(await administrate('SELECT "ownIdData_text" FROM users')).toEqual([
        { ownIdData_text: "{}" },
        { ownIdData_text: "{}" },
      ]);
      await administrate("SELECT * FROM report");
    },
  },
  "a column of bytes": {
    id: data,
    sql: [unique, rows, columnAs("bytea"), grant],
    rewritesData: true,
    before: [`UPDATE users SET "ownIdData" = convert_to('{"é":"😀"}', 'UTF8')`],
    holds: async ({ administrate }) =>
      expect(await administrate('SELECT DISTINCT "ownIdData" FROM users')).toEqual([
        { ownIdData: '{"é":"😀"}' },
      ]),
  },
  "login ids that need not be unique": {
    id: loginId,
    sql: [table(), rows, grant],
    says: "so one login id could mean two users",
  },
  "deleted users beside a unique index over the others": {
    id: loginId,
    sql: [table(), rows, deleted, "CREATE UNIQUE INDEX ON users (email) WHERE NOT gone", grant],
    says: "two users: 1 login id occurs in several rows",
    holds: expectOneUser,
  },
  "deleted users without any index": {
    id: loginId,
    sql: [table(), rows, deleted, grant],
    condition: "NOT gone",
    holds: expectOneUser,
  },
  "users without a login id": {
    id: loginId,
    sql: [table(), rows, "INSERT INTO users (email) VALUES (''), (''), ('')", grant],
    says: "two users: the empty one occurs in 3 rows",
    holds: expectOneUser,
  },
  "login ids that occur twice, once the site has decided whose they are": {
    id: loginId,
    sql: [table(), rows, deleted, grant],
    way: 1,
    before: ["UPDATE users SET email = 'was' || id || email WHERE gone"],
  },
};

describeWith("postgres", "what is printed about a table in Postgres", () => {
  testAdvice(createPostgresSite, faults);
});

describeWithPrivate("postgres", "what is printed about a Postgres database that is not in UTF-8", () => {
  test("moves it to one that is, with its rows and grants", async () => {
    await using site = await createPostgresSite(
      "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'",
    );
    for (const statement of [unique, rows, grant]) await site.administrate(statement);
    const item = (await itemsOf(site)).get("database.data-column");
    expect(item?.detail).toContain("in a character set without all of Unicode");
    expect(await problemsAtStart(site)).toEqual([
      expect.stringContaining(item?.fix?.split("\n")[1] ?? "no SQL"),
    ]);
    for (const { kind, text } of item?.fixes?.[0]?.steps ?? []) {
      await (kind === "sql" ? site.administrate(text) : site.runForDatabase?.(text));
    }
    const moved = new URL(site.environment.DATABASE_URL ?? "");
    moved.pathname = `${site.name}_utf8`;
    site.environment.DATABASE_URL = moved.href;
    expect(await problemsAtStart(site)).toEqual([]);
    const directory = openDirectory(site);
    await directory.verifyConnection();
    expect((await directory.find("sol@testmail.com")).loginId).toBe("sol@testmail.com");
    await directory.close();
  });
});
