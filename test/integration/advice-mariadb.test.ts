import { expect, setDefaultTimeout, test } from "bun:test";
import { createMariadbSite, grant, table } from "../support/advised-mariadb.ts";
import { itemsOf, takeSteps } from "../support/deployment.ts";
import { describeWith } from "../support/describe-with.ts";
import {
  type AdvisedSite,
  expectOneUser,
  openDirectory,
  problemsAtStart,
  rows,
  type TableFault,
  testAdvice,
} from "../support/followed-advice.ts";
import { errorOf } from "../support/outcome.ts";

setDefaultTimeout(30_000);

const data = "database.data-column";
const loginId = "database.login-id-column";
const unique = table(", UNIQUE (email)");
const columnAs = (definition: string) => `ALTER TABLE users MODIFY ownIdData ${definition}`;
const deleted =
  "INSERT INTO users (email, gone) VALUES ('sol@testmail.com', 1), ('Sol@testmail.com', 1), ('eva@testmail.com', 1)";

/** The line of SHOW CREATE TABLE that defines the column, and those of all other columns and keys. */
const isDefinedAs =
  (column: string, expected: string) =>
  async ({ administrate }: AdvisedSite) => {
    const [answer] = (await administrate("SHOW CREATE TABLE users")) as Record<string, string>[];
    const lines = answer?.["Create Table"]?.split("\n").map((line) => line.trim().replace(/,$/, "")) ?? [];
    expect(lines.find((line) => line.startsWith(`\`${column}\``))).toBe(expected);
    expect(lines).toContain("`town` varchar(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL");
    expect(lines).toContain("UNIQUE KEY `email` (`email`)");
  };

const faults: Record<string, TableFault<AdvisedSite>> = {
  "a column that is hidden from an account that may see the login ids alone": {
    id: data,
    sql: [unique, rows, "UPDATE users SET ownIdData = 'data'", "GRANT SELECT (email) ON users TO #"],
    says: "that this account may see",
  },
  "a column that is missing, for the same account": {
    id: data,
    sql: [
      unique,
      rows,
      "ALTER TABLE users CHANGE ownIdData old text",
      "ALTER TABLE users ADD COLUMN other int",
      "GRANT SELECT (email) ON users TO #",
    ],
    rewritesData: true,
  },
  "a table that is hidden": {
    id: "database.table",
    sql: [unique, rows, "CREATE TABLE other (id int)", "GRANT SELECT ON other TO #"],
    says: 'no table "users" that this account may see',
  },
  "login ids that are hidden": {
    id: loginId,
    sql: [unique, rows, "GRANT SELECT (ownIdData), UPDATE (ownIdData) ON users TO #"],
    says: 'no column "email" that this account may see',
  },
  "an account that may not write": {
    id: "database.privileges",
    sql: [unique, rows, "GRANT SELECT (email, ownIdData) ON users TO #"],
  },
  "a short column that is NOT NULL, has a default, a comment and a collation": {
    id: data,
    sql: [
      unique,
      columnAs("varchar(255) COLLATE utf8mb4_bin NOT NULL DEFAULT 'it''s' COMMENT 'it''s \\\\ for OwnID'"),
      rows,
      grant,
    ],
    holds: isDefinedAs(
      "ownIdData",
      "`ownIdData` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'it\\'s' COMMENT 'it''s \\\\ for OwnID'",
    ),
  },
  "a short column with a default that is an expression": {
    id: data,
    sql: [unique, columnAs("varchar(255) DEFAULT (concat('a', 'b'))"), rows, grant],
    holds: isDefinedAs("ownIdData", "`ownIdData` longtext DEFAULT concat('a','b')"),
  },
  "a column in latin1": {
    id: data,
    sql: [
      unique,
      columnAs("text CHARACTER SET latin1 NOT NULL"),
      "INSERT INTO users (email, ownIdData) VALUES ('sol@testmail.com', 'é')",
      grant,
    ],
    holds: isDefinedAs("ownIdData", "`ownIdData` longtext NOT NULL"),
  },
  "a column of bytes": {
    id: data,
    sql: [
      unique,
      columnAs("blob"),
      `INSERT INTO users (email, ownIdData) VALUES ('sol@testmail.com', '{"é":"😀"}')`,
      grant,
    ],
    rewritesData: true,
    holds: async ({ administrate }) =>
      expect(await administrate("SELECT ownIdData FROM users")).toEqual([{ ownIdData: '{"é":"😀"}' }]),
  },
  "login ids that need not be unique": {
    id: loginId,
    sql: [table(", KEY (email)"), rows, grant],
  },
  "deleted users": {
    id: loginId,
    sql: [table(), rows, deleted, grant],
    says: "two users: 1 login id occurs in several rows",
    condition: "gone = 0",
    async holds(site) {
      await expectOneUser(site);
      await site.administrate("INSERT INTO users VALUES (9, 'new@testmail.com', NULL, 0, NULL)");
    },
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
    before: ["UPDATE users SET email = concat('was', id, email) WHERE gone"],
  },
  "login ids in a text column": {
    id: loginId,
    sql: [table().replace("varchar(191)", "text"), rows, grant],
    holds: async ({ administrate }) => {
      const [answer] = (await administrate("SHOW CREATE TABLE users")) as Record<string, string>[];
      expect(answer?.["Create Table"]).toContain("`email` varchar(320) NOT NULL");
    },
  },
  "login ids in a unique column that is too long for an index": {
    id: "database.lookup",
    sql: [table(", UNIQUE (email)").replace("varchar(191)", "varchar(1000)"), rows, grant],
    isServed: true,
  },
};

describeWith("mariadb", "what is printed about a table in MariaDB", () => {
  testAdvice(createMariadbSite, faults);

  test("grants what is needed to an account that may not use the database at all", async () => {
    await using site = await createMariadbSite();
    for (const statement of [unique, rows]) await site.administrate(statement);
    const refused = (await itemsOf(site)).get("database.reachable");
    expect(refused).toMatchObject({ status: "wrong", detail: expect.stringContaining("(error 1044)") });
    const [grantIt] = refused?.fixes ?? [];
    if (grantIt === undefined) throw new Error("no way to follow");
    await takeSteps(grantIt, site);
    expect([...(await itemsOf(site)).values()].filter(({ status }) => status !== "fine")).toEqual([]);
  });
});

describeWith("mariadb", "a view in MariaDB", () => {
  const shown = "CREATE VIEW shown AS SELECT email, ownIdData FROM users WHERE NOT gone";

  async function viewed(...sql: string[]): Promise<AdvisedSite> {
    const site = await createMariadbSite();
    for (const statement of [table(), rows, deleted, ...sql]) await site.administrate(statement);
    await site.administrate(grant.replace("users", "shown"));
    site.environment.USERS_TABLE = "shown";
    return site;
  }

  test("is accepted where it takes UPDATE and no login id occurs twice, and reads and writes one user", async () => {
    await using site = await viewed(shown);
    expect(await problemsAtStart(site)).toEqual([]);
    const items = [...(await itemsOf(site)).values()];
    expect(items.filter(({ status }) => status !== "fine")).toEqual([]);
    await expectOneUser(site);
  });

  test("is refused while a login id occurs twice, with their number", async () => {
    await using site = await viewed(shown, "INSERT INTO users (email) VALUES ('ann@testmail.com')");
    expect(await problemsAtStart(site)).toEqual([
      expect.stringContaining(
        'the view "shown" is unique, so one login id could mean two users: 1 login id occurs in several rows.',
      ),
    ]);
    expect((await itemsOf(site)).get(loginId)?.status).toBe("wrong");
  });

  test("answers nothing about a user who gets a second row after the count", async () => {
    await using site = await viewed(shown);
    const directory = openDirectory(site);
    await directory.verifyConnection();
    await site.administrate("INSERT INTO users (email) VALUES ('sol@testmail.com')");
    expect(String(await errorOf(directory.find("sol@testmail.com")))).toContain("several rows");
    expect((await directory.find("ann@testmail.com")).loginId).toBe("ann@testmail.com");
    await directory.close();
  });

  test("is refused where it takes no UPDATE", async () => {
    await using site = await viewed(
      "CREATE VIEW shown AS SELECT email, max(ownIdData) AS ownIdData FROM users GROUP BY email",
    );
    expect(await problemsAtStart(site)).toEqual([
      expect.stringContaining('USERS_TABLE: "shown" takes no UPDATE'),
    ]);
    expect((await itemsOf(site)).get("database.table")?.status).toBe("wrong");
  });
});
