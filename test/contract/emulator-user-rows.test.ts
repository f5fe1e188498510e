import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { RequestFailed } from "../../scripts/emulator/api/failure.ts";
import { createUserRows, type UserRows } from "../../scripts/emulator/site/user-rows.ts";
import { sharedMariadb } from "../../scripts/servers/mariadb-server.ts";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import type { Environment } from "../../src/config/setting-reader.ts";
import { describeWith } from "../support/describe-with.ts";
import { load } from "../support/loaded-config.ts";
import { createSqliteFile, openTestDatabase, type TestDatabase } from "../support/test-database.ts";
import { blockedTypes, typesOf } from "./contract-table.ts";

interface Table {
  readonly blockedType?: string | null;
  /** More columns, after a comma. */
  readonly more?: string;
  readonly settings?: Environment;
}

/** What `await` rejects with: the code, or the error itself if it is not one of ours. */
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "done",
    (error: unknown) => (error instanceof RequestFailed ? error.code : error),
  );

function behavesAsTheSitesTable(open: () => Promise<{ database: TestDatabase; databaseUrl: string }>): void {
  let database: TestDatabase;
  let databaseUrl: string;
  const opened: UserRows[] = [];
  beforeAll(async () => {
    ({ database, databaseUrl } = await open());
  });
  afterAll(async () => {
    await Promise.all(opened.map((rows) => rows.close()));
    await database[Symbol.asyncDispose]();
  });

  /** A new table with the user `sol@example.com`, and perhaps with more columns. */
  async function rowsOf({ blockedType = null, more = "", settings = {} }: Table = {}): Promise<UserRows> {
    const { quote } = database;
    const { loginId, ownIdData } = typesOf[database.kind];
    const table = database.newTable();
    const blocked = blockedType === null ? "" : `, ${quote("Is Blocked")} ${blockedType}`;
    await database.run(
      `CREATE TABLE ${quote(table)} (${quote("E-Mail Address")} ${loginId} NOT NULL UNIQUE, ${quote("ownID.Data $1")} ${ownIdData}${blocked}${more})`,
    );
    const rows = createUserRows(
      load({
        DATABASE_URL: databaseUrl,
        USERS_TABLE: table,
        USERS_LOGIN_ID_COLUMN: "E-Mail Address",
        USERS_OWNID_DATA_COLUMN: "ownID.Data $1",
        ...(blockedType === null ? {} : { USERS_BLOCKED_COLUMN: "Is Blocked" }),
        ...settings,
      }),
      () => {},
    );
    opened.push(rows);
    if (more === "") await rows.insert({ loginId: "sol@example.com", ownIdData: null, blocked: false });
    return rows;
  }

  test("inserts a row with its data to the byte, and finds it", async () => {
    const rows = await rowsOf();
    const row = { loginId: "o'hara@example.com", ownIdData: '{"a":"‱ \\u2028 \'"}', blocked: false };
    await rows.insert(row);
    expect(await rows.find("o'hara@example.com")).toEqual(row);
    expect(await rows.find("sol@example.com")).toEqual({
      loginId: "sol@example.com",
      ownIdData: null,
      blocked: false,
    });
    expect(await rows.find("nobody@example.com")).toBeNull();
  });

  test("of two that insert the same user at once, one is told that the user exists", async () => {
    const rows = await rowsOf();
    const insert = (ownIdData: string) =>
      codeOf(rows.insert({ loginId: "two@example.com", ownIdData, blocked: false }));
    expect((await Promise.all([insert("a"), insert("b")])).toSorted()).toEqual(["done", "user_exists"]);
  });

  test("blocks and unblocks in every type that the column may have", async () => {
    for (const [type] of blockedTypes[database.kind]) {
      const rows = await rowsOf({ blockedType: type });
      const isBlocked = async () => (await rows.find("sol@example.com"))?.blocked;
      await rows.block("sol@example.com", true);
      expect([type, await isBlocked()]).toEqual([type, true]);
      await rows.block("sol@example.com", false);
      expect([type, await isBlocked()]).toEqual([type, false]);
      expect(await codeOf(rows.block("nobody@example.com", true))).toBe("user_not_found");
    }
  });

  test("refuses to block without a column for it, and stores nothing of a user who should be blocked", async () => {
    const rows = await rowsOf();
    expect(await codeOf(rows.block("sol@example.com", true))).toBe("not_configured");
    const blocked = { loginId: "new@example.com", ownIdData: null, blocked: true };
    expect(await codeOf(rows.insert(blocked))).toBe("not_configured");
    expect(await rows.find("new@example.com")).toBeNull();
  });

  test("stores login ids in lower case where the sidecar asks for them so", async () => {
    const rows = await rowsOf({ settings: { LOGIN_ID_CASE: "lower" } });
    await rows.insert({ loginId: "Ada@Example.com", ownIdData: null, blocked: false });
    expect((await rows.find("ADA@example.com"))?.loginId).toBe("ada@example.com");
  });

  test("finds the user whom the subject of a session names, whatever the type of its column", async () => {
    const rows = await rowsOf({
      more: ", id integer DEFAULT 42",
      settings: { SESSION_SUBJECT_COLUMN: "id" },
    });
    await rows.insert({ loginId: "ada@example.com", ownIdData: null, blocked: false });
    expect([await rows.findBySubject("42"), await rows.findBySubject("43")]).toEqual([
      "ada@example.com",
      null,
    ]);
    expect(await (await rowsOf()).findBySubject("ada@example.com")).toBe("ada@example.com");
  });

  test("says what to do if the table has another column that needs a value", async () => {
    const rows = await rowsOf({ more: ", name varchar(40) NOT NULL" });
    const row = { loginId: "new@example.com", ownIdData: null, blocked: false };
    const failure = await rows.insert(row).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "database_failed" });
    expect(String(failure)).toContain("columns besides those that the settings name, give them a default");
  });
}

describe("the site's user rows in SQLite", () => {
  behavesAsTheSitesTable(async () => {
    const database = createSqliteFile();
    return { database, databaseUrl: `sqlite:${database.path}` };
  });
});

describeWith("postgres", "the site's user rows in Postgres", () => {
  behavesAsTheSitesTable(async () => {
    const url = await (await sharedPostgres()).createDatabase("emulator_rows");
    return { database: openTestDatabase({ kind: "postgres", url }), databaseUrl: url };
  });
});

describeWith("mariadb", "the site's user rows in MariaDB", () => {
  behavesAsTheSitesTable(async () => {
    const url = await (await sharedMariadb()).createDatabase("emulator_rows");
    return { database: openTestDatabase({ kind: "mysql", url }), databaseUrl: url };
  });
});
