import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { SQL } from "bun";
import { type MariadbServer, startMariadb } from "../../scripts/servers/mariadb-server.ts";
import { type PostgresServer, startPostgres } from "../../scripts/servers/postgres-server.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { type PgbouncerServer, startPgbouncer } from "../support/pgbouncer-server.ts";
import { names, openTestDatabase, type TestDatabase } from "../support/test-database.ts";
import { withAccount } from "./table-check-contract.ts";

setDefaultTimeout(60_000);

const columns = "(email varchar(191) PRIMARY KEY, data text)";

/** Sets "new" over what the directory finds, and returns what it found. */
async function replaceFound(database: TestDatabase, url: string, before: () => Promise<unknown>) {
  const directory = database.directory(names, { url, poolMax: 1, prepare: database.kind === "mysql" });
  await directory.verifyConnection();
  await before();
  const { ownIdData, databaseTimeMs } = await directory.find("ann");
  const deadlineMs = databaseTimeMs + 60_000;
  await directory.replaceOwnIdData({ loginId: "ann", expected: ownIdData, replacement: "new", deadlineMs });
  return ownIdData;
}

describeWithPrivate("pgbouncer", "a Postgres connection that another client has used before", () => {
  let server: PostgresServer;
  let pooler: PgbouncerServer;
  let database: TestDatabase;
  let other: SQL;
  beforeAll(async () => {
    server = await startPostgres();
    pooler = await startPgbouncer(server, { default_pool_size: "1" });
    database = openTestDatabase({ kind: "postgres", url: server.url() });
    for (const schema of ["public", "staging"]) {
      await database.run(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
      await database.run(`CREATE TABLE ${schema}.users ${columns}`);
    }
    await database.run("INSERT INTO staging.users VALUES ('ann', 'of another table')");
  });
  beforeEach(async () => {
    await database.run("INSERT INTO public.users VALUES ('ann', 'old')");
    other = new SQL(pooler.url(), { max: 1, prepare: false });
  });
  afterEach(async () => {
    await other.unsafe("DISCARD ALL");
    await other.close();
    await database.closeDirectories();
    await database.run("TRUNCATE public.users");
  });
  afterAll(async () => {
    await database[Symbol.asyncDispose]();
    await pooler.remove();
    await server.remove();
  });

  const leftBehind = [
    ["another search_path", ["SET search_path = staging"]],
    [
      "a temporary table of the same name",
      [`CREATE TEMPORARY TABLE users ${columns}`, "INSERT INTO users VALUES ('ann', 'of another table')"],
    ],
  ] as const;
  const moments = ["before the sidecar starts", "while it runs"] as const;
  const cases = leftBehind.flatMap(([what, sql]) => moments.map((when) => [what, when, sql] as const));

  test.each(cases)("leads to the same table where that client has left %s %s", async (_, when, sql) => {
    const leave = async () => {
      for (const statement of sql) await other.unsafe(statement);
    };
    if (when === "before the sidecar starts") await leave();
    const found = await replaceFound(database, pooler.url(), async () => {
      if (when === "while it runs") await leave();
    });
    const rows = await database.run("SELECT data FROM public.users");
    expect({ found, rows: rows.map(({ data }) => data) }).toEqual({ found: "old", rows: ["new"] });
  });
});

describeWithPrivate("mariadb", "a MariaDB whose connections begin in another database", () => {
  let server: MariadbServer;
  let database: TestDatabase;
  beforeAll(async () => {
    server = await startMariadb();
    database = openTestDatabase({ kind: "mysql", url: server.url() });
    await database.run("CREATE DATABASE staging");
    await database.run("CREATE USER app@'127.0.0.1' IDENTIFIED BY 'app'");
    for (const schema of ["ownid", "staging"]) {
      await database.run(`CREATE TABLE ${schema}.users ${columns}`);
      await database.run(`INSERT INTO ${schema}.users VALUES ('ann', 'in ${schema}')`);
      await database.run(`GRANT SELECT, UPDATE ON ${schema}.users TO app@'127.0.0.1'`);
    }
  });
  afterAll(async () => {
    await database[Symbol.asyncDispose]();
    await server.remove();
  });

  test("reads and writes the table of the database that DATABASE_URL names", async () => {
    await database.run("SET GLOBAL init_connect = 'USE staging'");
    const url = withAccount(server.url(), "app", "app");
    const found = await replaceFound(database, url, async () => {});
    const rows = await database.run("SELECT data FROM ownid.users UNION ALL SELECT data FROM staging.users");
    expect({ found, rows: rows.map(({ data }) => data) }).toEqual({
      found: "in ownid",
      rows: ["new", "in staging"],
    });
  });
});
