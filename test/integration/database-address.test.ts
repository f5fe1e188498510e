import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { dirname, join } from "node:path";
import { SQL } from "bun";
import { type MariadbServer, startMariadb } from "../../scripts/servers/mariadb-server.ts";
import { certifiedUser, type PostgresServer, startPostgres } from "../../scripts/servers/postgres-server.ts";
import { runStatement } from "../../scripts/servers/run-statement.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { createTlsCertificates } from "../../scripts/servers/tls-certificates.ts";
import type { UserDirectory } from "../../src/coherence/user-directory.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { Environment } from "../../src/config/setting-reader.ts";
import { createSqlDirectory } from "../../src/directory/sql-directory.ts";
import { ConfigurationInvalid, DatabaseUnavailable } from "../../src/errors.ts";
import { describeWithPrivate } from "../support/describe-with.ts";

setDefaultTimeout(30_000);

const socketFile = `/tmp/ownid-test-${process.pid}.sock`;
const createTable = 'CREATE TABLE users (email varchar(320) PRIMARY KEY, "ownIdData" text)';
const servers = [
  {
    kind: "postgres",
    start: startPostgres,
    createTable,
    createCertified: `CREATE ROLE ${certifiedUser} LOGIN SUPERUSER PASSWORD 'certified'`,
    verifyCa: "sslmode=verify-ca",
    require: "sslmode=require",
    bound: "sslmode=require&channel_binding=require",
    socket: { unix_socket_directories: "/tmp" },
  },
  {
    kind: "mariadb",
    start: startMariadb,
    createTable: createTable.replaceAll('"', "`"),
    createCertified: `GRANT ALL ON *.* TO ${certifiedUser}@'127.0.0.1' IDENTIFIED BY 'certified' REQUIRE X509`,
    verifyCa: "ssl-mode=VERIFY_CA",
    require: "ssl-mode=REQUIRED",
    bound: "ssl-mode=REQUIRED",
    socket: { socket: socketFile },
  },
] as const;

for (const { kind, start, verifyCa, require, ...sql } of servers) {
  describeWithPrivate(kind, `an address of ${kind} with TLS`, () => {
    let server: PostgresServer | MariadbServer;
    let otherCaFile = "";
    // It lets nobody in without TLS, so whoever is in has it.
    beforeAll(async () => {
      server = await start({ tls: true });
      await runStatement(server.url(), server.caFile(), sql.createTable);
      await runStatement(server.url(), server.caFile(), sql.createCertified);
      otherCaFile = (await createTlsCertificates(temporaryFolder().path)).caFile;
    });
    afterAll(() => server.remove());
    const anotherName = () => server.url().replace("@127.0.0.1:", "@127.1:");

    test("reaches it by its authority, which verify-ca demands without the host's name", async () => {
      const DATABASE_TLS_CA_FILE = server.caFile();
      expect(await outcomeOf({ DATABASE_URL: server.url(), DATABASE_TLS_CA_FILE })).toBe("works");
      expect(await outcomeOf({ DATABASE_URL: anotherName(), DATABASE_TLS_CA_FILE })).toContain("ALTNAME");
      const DATABASE_URL = `${anotherName()}?${verifyCa}`;
      expect(await outcomeOf({ DATABASE_URL, DATABASE_TLS_CA_FILE })).toBe("works");
      expect(await outcomeOf({ DATABASE_URL, DATABASE_TLS_CA_FILE: otherCaFile })).toContain("certificate");
    });

    test("demands a certificate that holds, whatever NODE_TLS_REJECT_UNAUTHORIZED says", async () => {
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
      try {
        const DATABASE_URL = server.url();
        const refused = expect.stringContaining("certificate is not valid");
        expect(await outcomeOf({ DATABASE_URL, DATABASE_TLS_CA_FILE: otherCaFile })).toEqual(refused);
        const full = `${DATABASE_URL}?${kind === "postgres" ? "sslmode=verify-full" : "ssl-mode=VERIFY_IDENTITY"}`;
        expect(await outcomeOf({ DATABASE_URL: full })).toEqual(refused);
      } finally {
        delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      }
    });

    test("connects where it asks for encryption alone; in Postgres, for a login bound to the channel too", async () => {
      expect(await outcomeOf({ DATABASE_URL: `${server.url()}?${sql.bound}` })).toBe("works");
    });

    test("shows the client certificate that the account needs", async () => {
      const url = new URL(server.url());
      url.username = certifiedUser;
      url.password = "certified";
      const files = {
        DATABASE_TLS_CERT_FILE: join(dirname(server.caFile()), "server.pem"),
        DATABASE_TLS_KEY_FILE: join(dirname(server.caFile()), "server.key"),
      };
      const DATABASE_URL = url.href;
      const DATABASE_TLS_CA_FILE = server.caFile();
      expect(await outcomeOf({ DATABASE_URL, DATABASE_TLS_CA_FILE, ...files })).toBe("works");
      expect(await outcomeOf({ DATABASE_URL: `${DATABASE_URL}?${require}`, ...files })).toBe("works");
      expect(await outcomeOf({ DATABASE_URL, DATABASE_TLS_CA_FILE })).toContain("login");
    });
  });

  describeWithPrivate(kind, `an address of ${kind} without TLS`, () => {
    let server: PostgresServer | MariadbServer;
    beforeAll(async () => {
      server = await start({ settings: { ...sql.socket } });
      await runStatement(server.url(), null, sql.createTable);
    });
    afterAll(() => server.remove());

    test("that asks for encryption never connects without it", async () => {
      expect(await outcomeOf({ DATABASE_URL: `${server.url()}?${require}` })).toContain(
        "does not accept TLS",
      );
      expect(await outcomeOf({ DATABASE_URL: `${server.url()}?tls=true` })).toContain("does not accept TLS");
      expect(await outcomeOf({ DATABASE_URL: server.url() })).toBe("works");
    });

    test("that names a Unix socket connects through it", async () => {
      for (const DATABASE_URL of socketAddresses(server)) {
        expect({ DATABASE_URL, outcome: await outcomeOf({ DATABASE_URL }) }).toMatchObject({
          outcome: "works",
        });
      }
    });
  });
}

function socketAddresses(server: PostgresServer | MariadbServer): string[] {
  const url = new URL(server.url());
  if (url.protocol === "mysql:") return [`mysql://root@localhost/ownid?socket=${socketFile}`];
  const login = `postgres:${url.password}`;
  return [
    `postgres://${login}@localhost/postgres?host=/tmp&port=${url.port}`,
    `postgres://${login}@localhost:${url.port}/postgres?host=/tmp`,
    `postgres://${login}@%2Ftmp:${url.port}/postgres`,
  ];
}

describeWithPrivate("postgres", "a parameter that Postgres itself is told", () => {
  test("arrives there: the application's name and its options", async () => {
    await using server = await startPostgres();
    const shop = 'CREATE SCHEMA shop CREATE TABLE users (email text PRIMARY KEY, "ownIdData" text)';
    await runStatement(server.url(), null, shop);
    const options = "options=-c%20search_path%3Dshop";
    expect(await outcomeOf({ DATABASE_URL: server.url() })).toContain("USERS_TABLE");
    expect(await outcomeOf({ DATABASE_URL: `${server.url()}?${options}` })).toBe("works");
    const directory = open({ DATABASE_URL: `${server.url()}?${options}&application_name=site` });
    await directory.verifyConnection();
    const site = new SQL(server.url(), { max: 1 });
    const names =
      await site`SELECT DISTINCT application_name FROM pg_stat_activity WHERE application_name <> ''`;
    await Promise.all([site.close(), directory.close()]);
    expect([...names]).toEqual([{ application_name: "site" }]);
  });
});

function open(environment: Environment): UserDirectory {
  const { database } = loadConfig({ NODE_ENV: "test", ...environment }, () => new Uint8Array(32));
  const [url, tls] = [database.url.reveal(), database.tls.reveal()];
  return createSqlDirectory({ ...database, url, tls, statementMs: 2000 });
}

/** What the first contact says with this configuration. */
async function outcomeOf(environment: Environment): Promise<string> {
  const directory = open(environment);
  try {
    await directory.verifyConnection();
    return "works";
  } catch (error) {
    if (error instanceof DatabaseUnavailable || error instanceof ConfigurationInvalid) return error.message;
    throw error;
  } finally {
    await directory.close();
  }
}
