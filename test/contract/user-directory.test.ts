import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type MariadbServer, sharedMariadb, startMariadb } from "../../scripts/servers/mariadb-server.ts";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import { describeWith, describeWithPrivate } from "../support/describe-with.ts";
import { errorOf } from "../support/outcome.ts";
import { startPgbouncer } from "../support/pgbouncer-server.ts";
import { createSqliteFile, openTestDatabase, type TestDatabase } from "../support/test-database.ts";
import { describeUserDirectory } from "./user-directory-contract.ts";

setDefaultTimeout(30_000);

describe("SQLite", () => {
  describeUserDirectory({ open: async () => createSqliteFile() });

  test("reads no column's name for a text when the column is gone", async () => {
    await using database = createSqliteFile();
    await database.run("CREATE TABLE users (email TEXT UNIQUE, ownIdData TEXT, blocked INTEGER)");
    await database.run("INSERT INTO users VALUES ('ann', 'data', 0)");
    const directory = database.directory({
      table: "users",
      loginIdColumn: "email",
      ownIdDataColumn: "ownIdData",
      blockedColumn: "blocked",
      session: null,
    });
    await directory.verifyConnection();
    for (const column of ["ownIdData", "email", "blocked"]) {
      await database.run(`ALTER TABLE users RENAME COLUMN ${column} TO renamed`);
      expect(await errorOf(directory.find("ann"))).toMatchObject({ code: "ERR_DATABASE_UNAVAILABLE" });
      await database.run(`ALTER TABLE users RENAME COLUMN renamed TO ${column}`);
      await directory.verifyConnection();
      expect((await directory.find("ann")).ownIdData).toBe("data");
    }
  });
});

describeWith("postgres", "Postgres", () => {
  describeUserDirectory({
    open: async () => {
      const url = await (await sharedPostgres()).createDatabase("contract");
      const database = openTestDatabase({ kind: "postgres", url });
      await preparePostgres(database);
      // A time zone in which one local hour comes twice, as the sidecar's own sessions get it.
      await database.run("ALTER DATABASE contract SET timezone = 'America/New_York'");
      return database;
    },
  });
});

describeWith("pgbouncer", "Postgres behind PgBouncer", () => {
  describeUserDirectory({
    open: async () => {
      const postgres = await sharedPostgres();
      const siteUrl = await postgres.createDatabase("pooled_contract");
      // Fewer connections than the sidecar opens, so that its transactions really share them.
      const pooler = await startPgbouncer(postgres, { default_pool_size: "2" });
      const url = pooler.url("pooled_contract");
      const database = openTestDatabase({ kind: "postgres", url, siteUrl, prepare: false, server: pooler });
      await preparePostgres(database);
      return database;
    },
  });
});

describeWith("mariadb", "MariaDB by a mysql: address", () => {
  describeUserDirectory({
    open: async () => {
      const url = await (await sharedMariadb()).createDatabase("contract");
      const database = openTestDatabase({ kind: "mysql", url });
      await database.run("CREATE DATABASE `site schema`");
      return database;
    },
  });
});

describeWithPrivate("mariadb", "MariaDB with lax settings, by a mariadb: address", () => {
  /** It would cut what is too long, and lives half a day from UTC. */
  let server: MariadbServer;
  beforeAll(async () => {
    server = await startMariadb({ settings: { "sql-mode": "", "default-time-zone": "-09:30" } });
  });
  afterAll(() => server.remove());

  const open = () => openTestDatabase({ kind: "mysql", url: server.url("ownid", "mariadb") });

  describeUserDirectory({
    open: async () => {
      const database = open();
      await database.run("CREATE DATABASE `site schema`");
      return database;
    },
  });

  test("takes a login id that the column's character set cannot spell for nobody's", async () => {
    await using database = open();
    await database.run(
      "CREATE TABLE narrow (email varchar(320) CHARACTER SET latin1 NOT NULL UNIQUE, ownIdData text CHARACTER SET utf8mb4)",
    );
    await database.run("INSERT INTO narrow (email) VALUES ('renée@example.com')");
    const directory = database.directory({
      table: "narrow",
      loginIdColumn: "email",
      ownIdDataColumn: "ownIdData",
      blockedColumn: null,
      session: null,
    });
    await directory.verifyConnection();
    expect((await directory.find("renée@example.com")).loginId).toBe("renée@example.com");
    for (const loginId of ["😀@example.com", "пример@example.com"]) {
      expect(await errorOf(directory.find(loginId))).toMatchObject({ code: "ERR_USER_UNKNOWN" });
    }
  });

  test("leaves the row's own timestamp in the site's time zone", async () => {
    await using database = open();
    await database.run(
      "CREATE TABLE stamped (email varchar(320) NOT NULL UNIQUE, ownIdData text, changedAt datetime NULL ON UPDATE current_timestamp)",
    );
    await database.run("INSERT INTO stamped (email) VALUES ('ann')");
    const directory = database.directory({
      table: "stamped",
      loginIdColumn: "email",
      ownIdDataColumn: "ownIdData",
      blockedColumn: null,
      session: null,
    });
    await directory.verifyConnection();
    const { databaseTimeMs } = await directory.find("ann");
    const change = { loginId: "ann", expected: null, replacement: "data" };
    expect(await directory.replaceOwnIdData({ ...change, deadlineMs: databaseTimeMs + 60_000 })).not.toBe(
      "unchanged",
    );
    const [row] = await database.run(
      "SELECT timestampdiff(SECOND, utc_timestamp(), changedAt) AS seconds FROM stamped",
    );
    expect(Number(row?.seconds)).toBeCloseTo(laxHours * 3600, -1);
  });
});

const laxHours = -9.5;

async function preparePostgres(database: TestDatabase): Promise<void> {
  await database.run('CREATE SCHEMA "site schema"');
  await database.run("CREATE EXTENSION citext");
}
