import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { freePort } from "../../scripts/servers/free-port.ts";
import { sharedMariadb } from "../../scripts/servers/mariadb-server.ts";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { createSqlUserScan } from "../../scripts/sync/sql-user-scan.ts";
import type { UserScan } from "../../scripts/sync/user-scan.ts";
import type { DatabaseKind } from "../../src/config/database-address.ts";
import type { TableNames } from "../../src/directory/dialects/dialect.ts";
import { withoutTls } from "../support/database-tls.ts";
import { describeWith } from "../support/describe-with.ts";
import { startPgbouncer } from "../support/pgbouncer-server.ts";
import { createSqliteFile, openTestDatabase, type TestDatabase } from "../support/test-database.ts";
import { blockedTypes, createTable, type User } from "./contract-table.ts";

setDefaultTimeout(60_000);

interface ScannedDatabase {
  readonly database: TestDatabase;
  readonly kind: DatabaseKind;
  readonly url: string;
  readonly prepare: boolean;
}

/** Login id columns by whose order a scan could go wrong. */
const columnTypes: Record<DatabaseKind, readonly string[]> = {
  sqlite: ["TEXT", "TEXT COLLATE NOCASE", "TEXT COLLATE RTRIM", ""],
  postgres: [
    "text",
    "varchar(320)",
    "citext",
    'text COLLATE "C"',
    'text COLLATE "en-x-icu"',
    'varchar(320) COLLATE "de-x-icu"',
    "text COLLATE caseless",
  ],
  mysql: [
    "varchar(320) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    "varchar(320) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
    "varchar(320) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci",
    "varchar(320) CHARACTER SET utf8mb4 COLLATE utf8mb4_swedish_ci",
  ],
};

/** No two of them are equal by any of the collations above. */
const exoticLoginIds = [
  "o'neil@example.com",
  'a"b`c@example.com',
  "back\\slash\\'@example.com",
  "100%_of@example.com",
  "sol+tag@example.com",
  "Zoë@exämple.com",
  "zoo@example.com",
  "Ann@example.com",
  "bob@example.com",
  "_under@example.com",
  "~tilde",
  "пользователь@пример.рф",
  "😀@example.com",
  "+49 151 2345678",
  "00123",
  "null",
  "x".repeat(320),
  ...Array.from({ length: 40 }, (_, number) => `user-${number}@example.com`),
];

describe("SQLite", () => {
  describeUserScan(async () => {
    const database = createSqliteFile();
    return { database, kind: "sqlite", url: database.path, prepare: true };
  });
});

describeWith("postgres", "Postgres", () => {
  describeUserScan(async () => {
    const url = await (await sharedPostgres()).createDatabase("scan");
    const database = openTestDatabase({ kind: "postgres", url });
    await preparePostgres(database);
    return { database, kind: "postgres", url, prepare: true };
  });
});

describeWith("pgbouncer", "Postgres behind PgBouncer", () => {
  describeUserScan(async () => {
    const postgres = await sharedPostgres();
    const siteUrl = await postgres.createDatabase("pooled_scan");
    const url = (await startPgbouncer(postgres, { default_pool_size: "2" })).url("pooled_scan");
    const database = openTestDatabase({ kind: "postgres", url, siteUrl, prepare: false });
    await preparePostgres(database);
    return { database, kind: "postgres", url, prepare: false };
  });
});

describeWith("mariadb", "MariaDB", () => {
  describeUserScan(async () => {
    const url = await (await sharedMariadb()).createDatabase("scan");
    return { database: openTestDatabase({ kind: "mysql", url }), kind: "mysql", url, prepare: true };
  });

  test("reads the others when the column's character set cannot spell one of the login ids", async () => {
    const url = await (await sharedMariadb()).createDatabase("narrow_scan");
    await using database = openTestDatabase({ kind: "mysql", url });
    const loginId = "varchar(320) CHARACTER SET latin1";
    const users = [{ loginId: "renée", ownIdData: "one" }, { loginId: "bob" }];
    const names = await createTable(database, users, { loginId });
    const scan = openScan({ database, kind: "mysql", url, prepare: true }, names);
    const found = await scan.read(["😀", "renée", "пример", "bob", "nobody"]);
    expect([...found].sort()).toEqual([
      ["bob", null],
      ["renée", "one"],
    ]);
    await scan.close();
  });
});

async function preparePostgres(database: TestDatabase): Promise<void> {
  await database.run("CREATE EXTENSION citext");
  await database.run(
    "CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
  );
}

function openScan({ kind, url, prepare }: ScannedDatabase, names: TableNames, statementMs = 2000): UserScan {
  return createSqlUserScan({ kind, url, prepare, names, statementMs, poolMax: 2, tls: withoutTls });
}

/** All pages, one after the other. */
async function pagesOf(scan: UserScan, size: number, between = async () => {}) {
  const pages: (readonly { loginId: string; isEnrolled: boolean }[])[] = [];
  for (let after: string | null = null; ; ) {
    const page = await scan.list(after, size);
    const last = page.at(-1);
    if (last === undefined) return pages;
    pages.push(page);
    after = last.loginId;
    await between();
  }
}

function describeUserScan(open: () => Promise<ScannedDatabase>): void {
  let opened: ScannedDatabase;
  let scans: UserScan[] = [];
  beforeAll(async () => {
    opened = await open();
  });
  afterEach(async () => {
    await Promise.all(scans.map((scan) => scan.close()));
    scans = [];
  });
  afterAll(() => opened.database[Symbol.asyncDispose]());

  async function withUsers(users: readonly User[], loginId?: string) {
    const names = await createTable(opened.database, users, loginId === undefined ? {} : { loginId });
    const scan = openScan(opened, names);
    scans.push(scan);
    return { scan, names };
  }

  const mark = (position: number) => (opened.kind === "postgres" ? `$${position}` : "?");

  describe("list", () => {
    test("goes through every user once, in the order of the column's own collation", async () => {
      for (const type of columnTypes[opened.kind]) {
        const { scan, names } = await withUsers(
          exoticLoginIds.map((loginId) => ({ loginId })),
          type,
        );
        const column = opened.database.quote(names.loginIdColumn);
        const text = opened.kind === "postgres" ? `${column}::text` : column;
        const table = opened.database.quoteTable(names.table);
        const ordered = await opened.database.run(
          `SELECT ${text} AS "loginId" FROM ${table} ORDER BY ${column}`,
        );
        for (const size of [1, 7, 1000]) {
          const listed = (await pagesOf(scan, size)).flat().map(({ loginId }) => loginId);
          expect([type, listed]).toEqual([type, ordered.map(({ loginId }) => String(loginId))]);
        }
      }
    });

    test("fills every page but the last, however few are enrolled", async () => {
      const users = Array.from({ length: 25 }, (_, number) => ({
        loginId: `user-${String(number).padStart(2, "0")}`,
        ownIdData: number === 23 ? "data" : null,
      }));
      const { scan } = await withUsers(users);
      const pages = await pagesOf(scan, 10);
      expect(pages.map(({ length }) => length)).toEqual([10, 10, 5]);
      expect(pages.flat().filter(({ isEnrolled }) => isEnrolled)).toEqual([
        { loginId: "user-23", isEnrolled: true },
      ]);
    });

    test("takes a user for enrolled who has any data, blanks included", async () => {
      const values = { a: null, b: "", c: " ", d: "0", e: "data", f: "\u0001" };
      const { scan } = await withUsers(
        Object.entries(values).map(([loginId, ownIdData]) => ({ loginId, ownIdData })),
      );
      const listed = await scan.list(null, 10);
      expect(listed.map(({ isEnrolled }) => isEnrolled)).toEqual([false, false, true, true, true, true]);
    });

    test("is empty for a table without users", async () => {
      const { scan } = await withUsers([]);
      expect(await scan.list(null, 10)).toEqual([]);
      expect(await scan.list("ann", 10)).toEqual([]);
    });

    test("leaves out rows without a login id", async () => {
      const { database } = opened;
      const [table, type] = [database.newTable(), columnTypes[opened.kind][0]];
      await database.run(`CREATE TABLE ${database.quoteTable(table)} (email ${type} UNIQUE, data TEXT)`);
      await database.run(
        `INSERT INTO ${database.quoteTable(table)} VALUES (NULL, 'x'), ('ann', 'y'), (NULL, 'z')`,
      );
      const names = {
        table,
        loginIdColumn: "email",
        ownIdDataColumn: "data",
        blockedColumn: null,
        session: null,
      };
      const scan = openScan(opened, names);
      scans.push(scan);
      expect((await pagesOf(scan, 1)).flat()).toEqual([{ loginId: "ann", isEnrolled: true }]);
    });

    test("lists whoever stays exactly once, while others come and go", async () => {
      const staying = Array.from({ length: 150 }, (_, number) => `stays-${number}@example.com`);
      const leaving = Array.from({ length: 60 }, (_, number) => `leaves-${number * 3}@example.com`);
      const { scan, names } = await withUsers([...staying, ...leaving].map((loginId) => ({ loginId })));
      const { database } = opened;
      const table = database.quoteTable(names.table);
      const column = database.quote(names.loginIdColumn);
      let turn = 0;
      const pages = await pagesOf(scan, 7, async () => {
        turn += 1;
        await database.run(`DELETE FROM ${table} WHERE ${column} = ${mark(1)}`, [leaving[turn] ?? "nobody"]);
        for (const [number, name] of ["comes", "stays", "zzz"].entries()) {
          const row = [10_000 + 3 * turn + number, `${name}-${turn}-new@example.com`];
          await database.run(`INSERT INTO ${table} (id, ${column}) VALUES (${mark(1)}, ${mark(2)})`, row);
        }
        // Those at the end come as fast as they are listed: they must not keep the scan for ever.
        if (turn > 200) throw new Error("the scan does not end");
      });
      const listed = pages.flat().map(({ loginId }) => loginId);
      expect(listed.filter((loginId) => staying.includes(loginId)).sort()).toEqual([...staying].sort());
      expect(new Set(listed).size).toBe(listed.length);
    });
  });

  describe("read", () => {
    test("answers the data of exactly these login ids, byte for byte", async () => {
      const values = [
        "{}",
        " both ends ",
        "👩‍👩‍👧‍👦",
        "a\u2028b",
        `'"\\$1?`,
        "z".repeat(60 * 1024),
        "",
        null,
      ];
      const users = values.map((ownIdData, number) => ({ loginId: exoticLoginIds[number] ?? "", ownIdData }));
      const { scan } = await withUsers([...users, { loginId: "other", ownIdData: "not asked for" }]);
      const found = await scan.read([...users.map(({ loginId }) => loginId), "nobody"]);
      expect(found).toEqual(new Map(users.map(({ loginId, ownIdData }) => [loginId, ownIdData])));
    });

    test("leaves out blocked users, whose data may not be kept anywhere else", async () => {
      for (const [type, no, yes] of blockedTypes[opened.kind]) {
        const users = [
          { loginId: "ann", ownIdData: "a", blocked: no },
          { loginId: "bob", ownIdData: "b", blocked: yes },
          { loginId: "cyd", ownIdData: "c", blocked: null },
        ];
        const names = await createTable(opened.database, users, { blocked: type });
        const scan = openScan(opened, names);
        scans.push(scan);
        const found = await scan.read(users.map(({ loginId }) => loginId));
        expect([type, ...found]).toEqual([type, ["ann", "a"], ["cyd", "c"]]);
        const listed = await scan.list(null, 10);
        expect(listed.map(({ isEnrolled }) => isEnrolled)).toEqual([true, false, true]);
      }
    });

    test("answers nothing for another spelling of a login id", async () => {
      const caseless = columnTypes[opened.kind].find((type) => /NOCASE|citext|general_ci/.test(type));
      const { scan } = await withUsers([{ loginId: "Ann@example.com", ownIdData: "data" }], caseless);
      expect(await scan.read(["ann@example.com", "ANN@EXAMPLE.COM", "Ann@example.com "])).toEqual(new Map());
      expect(await scan.read(["ann@example.com", "Ann@example.com"])).toEqual(
        new Map([["Ann@example.com", "data"]]),
      );
    });

    test.each([0, 1, 2, 3, 500, 1025])("takes %p login ids at once", async (number) => {
      const loginIds = Array.from({ length: number }, (_, index) => `user-${index}`);
      const { scan } = await withUsers([
        { loginId: "user-0", ownIdData: "a" },
        { loginId: "user-1024", ownIdData: "b" },
      ]);
      const found = await scan.read(loginIds);
      expect([...found.keys()].sort()).toEqual(["user-0", "user-1024"].filter((id) => loginIds.includes(id)));
    });
  });

  test("counts the users", async () => {
    const { scan } = await withUsers(exoticLoginIds.map((loginId) => ({ loginId })));
    expect(await scan.count()).toBe(exoticLoginIds.length);
  });

  test("says that the database is unavailable when nothing answers", async () => {
    using folder = temporaryFolder();
    const url =
      opened.kind === "sqlite" ? folder.at("none.db") : opened.url.replace(/:\d+\//, `:${await freePort()}/`);
    const names = {
      table: "users",
      loginIdColumn: "email",
      ownIdDataColumn: "data",
      blockedColumn: null,
      session: null,
    };
    const scan = openScan({ ...opened, url }, names, 300);
    scans.push(scan);
    const asked = [scan.list(null, 10), scan.read(["ann"])];
    for (const question of asked) {
      expect(await question.catch((error: unknown) => error)).toMatchObject({
        code: "ERR_DATABASE_UNAVAILABLE",
      });
    }
  });
}
