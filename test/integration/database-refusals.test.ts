import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { freePort } from "../../scripts/servers/free-port.ts";
import { type MariadbServer, startMariadb } from "../../scripts/servers/mariadb-server.ts";
import { type PostgresServer, startPostgres } from "../../scripts/servers/postgres-server.ts";
import { runStatement } from "../../scripts/servers/run-statement.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { createTlsCertificates } from "../../scripts/servers/tls-certificates.ts";
import type { DatabaseTls } from "../../src/config/database-config.ts";
import type { SqlDirectoryOptions } from "../../src/directory/sql-client.ts";
import { createSqlDirectory } from "../../src/directory/sql-directory.ts";
import { DatabaseUnavailable } from "../../src/errors.ts";
import { verifiedBy, withoutTls } from "../support/database-tls.ts";
import { describeWith, describeWithPrivate } from "../support/describe-with.ts";
import { errorOf } from "../support/outcome.ts";
import { startPgbouncer } from "../support/pgbouncer-server.ts";
import { names } from "../support/test-database.ts";

setDefaultTimeout(30_000);

const wrongPassword = "not-the-password";
const servers = [
  {
    kind: "postgres",
    needs: "postgres",
    start: startPostgres,
    createTable: "CREATE TABLE users (email text PRIMARY KEY, data text)",
    loginCode: "SQLSTATE 28P01",
    databaseCode: "SQLSTATE 3D000",
    withoutTls: {
      reason: "the database does not accept TLS",
      fix: "switch TLS on in the server, or remove DATABASE_TLS_CA_FILE and sslmode",
    },
    tlsMissingCode: "SQLSTATE 28000",
  },
  {
    kind: "mysql",
    needs: "mariadb",
    start: startMariadb,
    createTable: "CREATE TABLE users (email varchar(320) PRIMARY KEY, data text)",
    loginCode: "error 1045",
    databaseCode: "error 1049",
    withoutTls: {
      reason: "the database does not accept TLS, or offers no login method that the sidecar supports",
      fix: "check whether the server has TLS switched on, and how the user is identified",
    },
    tlsMissingCode: "error 1045",
  },
] as const;

for (const { kind, needs, start, createTable, ...expected } of servers) {
  const login = {
    reason: `the database refused the sidecar's login (${expected.loginCode})`,
    fix: "correct the user and password in DATABASE_URL, and check whether the server insists on TLS or on a client certificate",
  };
  const address = {
    reason: "nothing answers at the database's address",
    fix: "start the database, or correct host and port in DATABASE_URL",
  };

  describeWithPrivate(needs, `${needs}, refused by it or out of reach`, () => {
    let server: PostgresServer | MariadbServer;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server.remove());

    test("a wrong password is told without the password", async () => {
      const url = changed(server.url(), { password: wrongPassword });
      expect(await refusalOf({ kind, url })).toEqual(login);
    });

    test("an unknown user is told as a refused login", async () => {
      const url = changed(server.url(), { username: "nobody", password: wrongPassword });
      expect(await refusalOf({ kind, url })).toEqual(login);
    });

    test("an unknown database is told", async () => {
      expect(await refusalOf({ kind, url: changed(server.url(), { pathname: "/nowhere" }) })).toEqual({
        reason: `the database named in DATABASE_URL does not exist (${expected.databaseCode})`,
        fix: "create it, or correct the name",
      });
    });

    test("a port where nobody listens is told", async () => {
      const url = changed(server.url(), { port: String(await freePort()) });
      expect(await refusalOf({ kind, url })).toEqual(address);
    });

    test("a host name without an address is told from a port where nobody listens", async () => {
      expect(await refusalOf({ kind, url: changed(server.url(), { hostname: "db.invalid" }) })).toEqual({
        reason: expect.stringMatching(/^the host name in DATABASE_URL has no address \(E[A-Z_]+\)$/),
        fix: "correct the host name in DATABASE_URL, or check whether this machine's name service knows it",
      });
    });

    test("a server without TLS is not spoken to when an authority is configured", async () => {
      const url = server.url();
      expect(await refusalOf({ kind, url, tls: verifiedBy(await otherAuthority()) })).toEqual(
        expected.withoutTls,
      );
    });
  });

  describeWithPrivate(needs, `${needs} with TLS`, () => {
    let server: PostgresServer | MariadbServer;
    let tls: DatabaseTls;
    const certificate = (code: string, fix: string) => ({
      reason: `the database's certificate is not valid (${code})`,
      fix,
    });
    const authority = "name the file of the authority that issued the certificate in DATABASE_TLS_CA_FILE";
    const host = "write the host name that the certificate was issued for in DATABASE_URL";

    // It lets nobody in without TLS, so whoever is in has it.
    beforeAll(async () => {
      server = await start({ tls: true });
      tls = verifiedBy(await Bun.file(server.caFile()).text());
      await runStatement(server.url(), server.caFile(), createTable);
    });
    afterAll(() => server.remove());

    test("is used with its own authority, by host name and by address", async () => {
      for (const hostname of ["127.0.0.1", "localhost"]) {
        const directory = createDirectory({ kind, url: changed(server.url(), { hostname }), tls });
        await directory.verifyConnection();
        expect(await errorOf(directory.find("ann"))).toMatchObject({ code: "ERR_USER_UNKNOWN" });
        await directory.close();
      }
    });

    test("is used even if the address says otherwise", async () => {
      const directory = createDirectory({ kind, url: `${server.url()}?sslmode=disable`, tls });
      await directory.verifyConnection();
      await directory.close();
    });

    test("is refused when its certificate comes from another authority", async () => {
      const url = server.url();
      expect(await refusalOf({ kind, url, tls: verifiedBy(await otherAuthority()) })).toEqual(
        certificate("SELF_SIGNED_CERT_IN_CHAIN", authority),
      );
    });

    test("is refused when its certificate is for another host", async () => {
      // Another way to write 127.0.0.1, which the certificate does not name.
      const url = server.url().replace("@127.0.0.1:", "@127.1:");
      expect(await refusalOf({ kind, url, tls })).toEqual(certificate("ERR_TLS_CERT_ALTNAME_INVALID", host));
    });

    test("is not entered without TLS, and the operator is told to look at it", async () => {
      expect(await refusalOf({ kind, url: server.url() })).toEqual({
        ...login,
        reason: `the database refused the sidecar's login (${expected.tlsMissingCode})`,
      });
    });
  });
}

describeWith("pgbouncer", "PgBouncer, refused by it", () => {
  test("a directory that prepares statements is told to stop it", async () => {
    await using postgres = await startPostgres();
    await using pooler = await startPgbouncer(postgres);
    expect(await refusalOf({ kind: "postgres", url: pooler.url() })).toEqual({
      reason: "the database, or a pooler in front of it, refuses to talk to the sidecar (SQLSTATE 08P01)",
      fix: "behind pgbouncer set DATABASE_PREPARE=false and leave options out of DATABASE_URL; check whether the pooler knows the database's name",
    });
  });
});

describe("SQLite, out of reach", () => {
  test("a file that does not exist is told, and is not created", async () => {
    const url = `${import.meta.dir}/no-such-folder/users.db`;
    expect(await refusalOf({ kind: "sqlite", url })).toEqual({
      reason: "the SQLite file cannot be opened (SQLITE_CANTOPEN)",
      fix: "check that the path in DATABASE_URL exists and may be read",
    });
    expect(await Bun.file(url).exists()).toBe(false);
  });
});

async function otherAuthority(): Promise<string> {
  using folder = temporaryFolder();
  const { caFile } = await createTlsCertificates(folder.path);
  return await Bun.file(caFile).text();
}

function createDirectory(options: Pick<SqlDirectoryOptions, "kind" | "url"> & Partial<SqlDirectoryOptions>) {
  return createSqlDirectory({
    poolMax: 3,
    prepare: true,
    tls: withoutTls,
    statementMs: 2000,
    names,
    ...options,
  });
}

/** What the operator is told about a database that cannot be used now. */
async function refusalOf(options: Parameters<typeof createDirectory>[0]) {
  const directory = createDirectory(options);
  try {
    await directory.verifyConnection();
    return { reason: "it was used", fix: "" };
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable)) throw error;
    return { reason: error.message, fix: error.fix };
  } finally {
    await directory.close();
  }
}

function changed(
  url: string,
  parts: Partial<Pick<URL, "hostname" | "password" | "pathname" | "port" | "username">>,
) {
  return Object.assign(new URL(url), parts).href;
}
