import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { createDeployment, itemsOf } from "../support/deployment.ts";
import {
  type AdvisedSite,
  expectOneUser,
  openDirectory,
  problemsAtStart,
  rows,
  type TableFault,
  testAdvice,
} from "../support/followed-advice.ts";

/** An SQLite file that is empty. */
async function createSite(): Promise<AdvisedSite> {
  const deployment = await createDeployment({});
  const path = join(deployment.folder, "users.db");
  const database = new Database(path, { create: true });
  database.run("PRAGMA journal_mode = WAL");
  chmodSync(path, 0o600);
  return {
    ...deployment,
    administrate: async (statement) => database.query(statement).all(),
    async content(withData) {
      const rows = database.query("SELECT * FROM users ORDER BY rowid").all() as Record<string, unknown>[];
      return rows.map(({ id, email, town, gone, ownIdData }) => ({
        id,
        email,
        town,
        gone,
        ...(withData ? { ownIdData } : {}),
      }));
    },
    async [Symbol.asyncDispose]() {
      database.close();
      await deployment[Symbol.asyncDispose]();
    },
  };
}

const data = "database.data-column";
const loginId = "database.login-id-column";
const table = (email: string, ownIdData = '"ownIdData" TEXT') =>
  `CREATE TABLE users (id INTEGER PRIMARY KEY, email ${email}, ${ownIdData}, gone INT NOT NULL DEFAULT 0, town TEXT)`;
const deleted =
  "INSERT INTO users (email, gone) VALUES ('sol@testmail.com', 1), ('Sol@testmail.com', 1), ('eva@testmail.com', 1)";

const faults: Record<string, TableFault<AdvisedSite>> = {
  "a column that is missing": {
    id: data,
    sql: [table("TEXT UNIQUE", "other TEXT"), rows],
    rewritesData: true,
  },
  "a short column, where the name of its copy is taken": {
    id: data,
    sql: [
      table("TEXT UNIQUE", '"ownIdData" VARCHAR(255) NOT NULL DEFAULT \'{}\', "ownIdData_text" TEXT'),
      rows,
    ],
    holds: async ({ administrate }) =>
      expect(await administrate('SELECT DISTINCT "ownIdData_text_2" AS copy FROM users')).toEqual([
        { copy: "{}" },
      ]),
  },
  "a column of bytes": {
    id: data,
    sql: [
      table("TEXT UNIQUE", '"ownIdData" BLOB'),
      rows,
      `UPDATE users SET "ownIdData" = CAST('{"é":"😀"}' AS BLOB)`,
    ],
    holds: async (site) => {
      const directory = openDirectory(site);
      await directory.verifyConnection();
      expect((await directory.find("sol@testmail.com")).ownIdData).toBe('{"é":"😀"}');
      await directory.close();
    },
  },
  "login ids that need not be unique": { id: loginId, sql: [table("TEXT NOT NULL"), rows] },
  "an index by another collation than the column's": {
    id: loginId,
    sql: [
      table("TEXT COLLATE NOCASE"),
      rows,
      "CREATE UNIQUE INDEX users_email ON users (email COLLATE BINARY)",
    ],
  },
  "deleted users beside a unique index over the others": {
    id: loginId,
    sql: [
      table("VARCHAR(191) NOT NULL COLLATE NOCASE"),
      rows,
      deleted,
      "CREATE UNIQUE INDEX live ON users (email) WHERE gone = 0",
    ],
    says: "two users: 1 login id occurs in several rows",
    holds: readsOneUser,
    left: ["login-ids.similar"],
  },
  "deleted users without any index": {
    id: loginId,
    sql: [table("TEXT NOT NULL COLLATE NOCASE"), rows, deleted],
    condition: "gone = 0",
    holds: readsOneUser,
  },
  "users without a login id": {
    id: loginId,
    sql: [table("TEXT NOT NULL COLLATE NOCASE"), rows, "INSERT INTO users (email) VALUES (''), (''), ('')"],
    says: "two users: the empty one occurs in 3 rows",
    holds: readsOneUser,
  },
};

/** In another case too, since the column's collation says so. */
function readsOneUser(site: AdvisedSite): Promise<void> {
  return expectOneUser(site, "SOL@testmail.com");
}

describe("what is printed about a table in SQLite", () => {
  testAdvice(createSite, faults);

  test("names the table instead of a view, whose trigger tells nothing of the rows it changes", async () => {
    await using site = await createSite();
    for (const statement of [
      table("TEXT UNIQUE"),
      "CREATE VIEW shown AS SELECT * FROM users WHERE gone = 0",
      'CREATE TRIGGER write INSTEAD OF UPDATE ON shown BEGIN UPDATE users SET "ownIdData" = NEW."ownIdData" WHERE id = OLD.id; END',
    ])
      await site.administrate(statement);
    site.environment.USERS_TABLE = "shown";
    expect((await problemsAtStart(site)).join("\n")).toContain(
      "# Name the table behind the view; SQLite does not say",
    );
    expect((await itemsOf(site)).get("database.table")?.status).toBe("wrong");
  });
});
