import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { sharedMariadb } from "../../scripts/servers/mariadb-server.ts";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import { connectToUrl } from "../../src/directory/dialects/driver-environment.ts";
import { describeWith } from "../support/describe-with.ts";
import { names, openTestDatabase } from "../support/test-database.ts";

setDefaultTimeout(30_000);

/** What Bun.SQL reads for Postgres, each with a value that would lead elsewhere or nowhere. */
const postgresVariables = {
  PGHOST: "192.0.2.1",
  PG_HOST: "192.0.2.1",
  PGPORT: "1",
  PG_PORT: "1",
  PGUSER: "nobody",
  PG_USER: "nobody",
  PGUSERNAME: "nobody",
  USER: "nobody",
  USERNAME: "nobody",
  PGPASSWORD: "wrong",
  PG_PASSWORD: "wrong",
  PGDATABASE: "staging",
  PG_DATABASE: "staging",
  PGOPTIONS: "-c search_path=staging",
  PGSSLMODE: "require",
  PG_SSLMODE: "verify-full",
  PGCHANNELBINDING: "require",
  PGCONNECT_TIMEOUT: "0.001",
  PGAPPNAME: "staging",
  PGURL: "postgres://nobody@192.0.2.1/staging",
  PG_URL: "postgres://nobody@192.0.2.1/staging",
  POSTGRES_URL: "postgres://nobody@192.0.2.1/staging",
  TLS_POSTGRES_DATABASE_URL: "postgres://nobody@192.0.2.1/staging",
  TLS_DATABASE_URL: "postgres://nobody@192.0.2.1/staging",
  DATABASEURL: "postgres://nobody@192.0.2.1/staging",
};

const mysqlVariables = Object.fromEntries(
  ["MYSQL", "MARIADB"].flatMap((prefix) =>
    Object.entries({
      HOST: "192.0.2.1",
      PORT: "1",
      USER: "nobody",
      PASSWORD: "wrong",
      DATABASE: "staging",
      URL: "mysql://nobody@192.0.2.1/staging",
    }).flatMap(([name, value]) => [
      [`${prefix}${name}`, value],
      [`${prefix}_${name}`, value],
      [`TLS_${prefix}_DATABASE_URL`, "mysql://nobody@192.0.2.1/staging"],
    ]),
  ),
);

const before = { ...process.env };
afterEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
});

/** Two databases with the same table; only the one that the URL names has the user. */
async function describeEnvironment(
  kind: "postgres" | "mysql",
  createDatabase: (name: string) => Promise<string>,
  variables: Readonly<Record<string, string>>,
): Promise<void> {
  await using staging = openTestDatabase({ kind, url: await createDatabase("staging") });
  await using site = openTestDatabase({ kind, url: await createDatabase("environment") });
  for (const { run } of [staging, site])
    await run("CREATE TABLE users (email varchar(191) PRIMARY KEY, data text)");
  await staging.run("INSERT INTO users VALUES ('ann', 'of staging')");
  await site.run("INSERT INTO users VALUES ('ann', 'of the site')");
  const found: Record<string, string | null> = {};
  for (const [name, value] of [...Object.entries(variables), ["", ""]] as const) {
    Object.assign(process.env, name === "" ? variables : { [name]: value });
    const directory = site.directory(names, { poolMax: 1 });
    expect(process.env[name]).toBe(name === "" ? undefined : value);
    await directory.verifyConnection();
    found[name] = (await directory.find("ann")).ownIdData;
    await site.closeDirectories();
    if (name !== "" && !(name in before)) delete process.env[name];
  }
  expect(new Set(Object.values(found))).toEqual(new Set(["of the site"]));
}

test.each(["postgres", "mysql"])("a %s address without a user means the system's account", async (scheme) => {
  Object.assign(process.env, { USER: "nobody", PGUSER: "nobody", MYSQL_USER: "nobody" });
  await using sql = connectToUrl(`${scheme}://127.0.0.1:1/site`, {});
  const account = Bun.spawnSync(["id", "-un"]).stdout.toString().trim();
  expect(sql.options).toMatchObject({ username: account, database: "site" });
  await using named = connectToUrl(`${scheme}://ann@127.0.0.1:1/site`, {});
  expect(named.options).toMatchObject({ username: "ann" });
});

describeWith("postgres", "a Postgres", () => {
  test("is the one that DATABASE_URL names, whatever the driver reads from the environment", async () => {
    const { createDatabase } = await sharedPostgres();
    await describeEnvironment("postgres", createDatabase, postgresVariables);
  });
});

describeWith("mariadb", "a MariaDB", () => {
  test("is the one that DATABASE_URL names, whatever the driver reads from the environment", async () => {
    const { createDatabase } = await sharedMariadb();
    await describeEnvironment("mysql", createDatabase, mysqlVariables);
  });
});
