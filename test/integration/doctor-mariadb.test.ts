import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { SQL } from "bun";
import { type MariadbServer, startMariadb } from "../../scripts/servers/mariadb-server.ts";
import {
  causeAndFix,
  createDeployment,
  type Deployment,
  type Fault,
  faultsOf,
  itemsOf,
} from "../support/deployment.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { createDoctorSite, type DoctorSite, sidecarPassword, testDoctor } from "./doctor-contract.ts";

setDefaultTimeout(30_000);

/** Of this suite alone: most faults are settings of the whole server. */
let server: MariadbServer;
let sites = 0;

/** A database of the server with the site's table, and the sidecar's account. */
async function createSite(settings: Deployment["environment"] = {}): Promise<DoctorSite> {
  const name = `doctor_${++sites}`;
  const account = `'${name}'@'127.0.0.1'`;
  const statements = [
    "CREATE TABLE users (id INT PRIMARY KEY AUTO_INCREMENT, email VARCHAR(320) NOT NULL, ownIdData TEXT, name TEXT, UNIQUE (email))",
    `CREATE USER ${account} IDENTIFIED BY '${sidecarPassword}'`,
    `GRANT SELECT (email, ownIdData), UPDATE (ownIdData) ON users TO ${account}`,
  ];
  return createDoctorSite({ url: await server.createDatabase(name), name, account, statements, settings });
}

const faults: Record<string, Fault<DoctorSite>> = {
  "a server that only reads": {
    id: "database.primary",
    status: "wrong",
    way: 1,
    plant: ({ administrate }) => administrate("SET GLOBAL read_only = ON"),
  },
  "a server that does not commit by itself": {
    id: "database.autocommit",
    status: "wrong",
    plant: ({ administrate }) => administrate("SET GLOBAL autocommit = OFF"),
  },
  "connections that are told not to commit": {
    id: "database.autocommit",
    status: "wrong",
    plant: ({ administrate }) =>
      administrate("SET GLOBAL init_connect = 'SET @site = ''a''; SET autocommit = 0'"),
  },
  "a server that shows what is not committed": {
    id: "database.isolation",
    status: "wrong",
    plant: ({ administrate }) => administrate("SET GLOBAL TRANSACTION ISOLATION LEVEL READ UNCOMMITTED"),
  },
  "a server that shows the past": {
    id: "database.isolation",
    status: "wrong",
    plant: ({ administrate }) => administrate("SET GLOBAL system_versioning_asof = '2020-01-01 00:00:00'"),
  },
  "a binary log of statements": {
    id: "database.binary-log",
    status: "wrong",
    plant: ({ administrate }) => administrate("SET GLOBAL binlog_format = 'STATEMENT'"),
  },
  "a server that keeps commits in memory": {
    id: "database.durability",
    status: "warning",
    plant: ({ administrate }) => administrate("SET GLOBAL innodb_flush_log_at_trx_commit = 0"),
  },
  "a storage engine without transactions": {
    id: "database.engine",
    status: "warning",
    plant: ({ administrate }) => administrate("ALTER TABLE users ENGINE = MyISAM"),
  },
  "a server that cuts long values": {
    id: "database.sql-mode",
    status: "warning",
    plant: ({ administrate }) => administrate("SET GLOBAL sql_mode = ''"),
  },
  "connections that end while they are idle": {
    id: "database.idle",
    status: "warning",
    plant: ({ administrate }) => administrate("SET GLOBAL wait_timeout = 60"),
  },
  "fewer connections than the pool's": {
    id: "database.connections",
    status: "wrong",
    plant: async ({ administrate, environment }) => {
      await administrate("SET GLOBAL max_connections = 40");
      environment.DATABASE_POOL_MAX = "50";
    },
  },
  "too few connections for the account": {
    id: "database.connections",
    status: "wrong",
    plant: ({ administrate, account }) => administrate(`ALTER USER ${account} WITH MAX_USER_CONNECTIONS 6`),
  },
  "an account that may not read login ids": {
    id: "database.login-id-column",
    status: "wrong",
    plant: ({ administrate, account }) => administrate(`REVOKE SELECT (email) ON users FROM ${account}`),
  },
  "an account that may not write": {
    id: "database.privileges",
    status: "wrong",
    plant: ({ administrate, account }) => administrate(`REVOKE UPDATE (ownIdData) ON users FROM ${account}`),
  },
  "an account that may do anything to the database, and pass it on": {
    id: "database.privileges-excess",
    status: "warning",
    plant: ({ administrate, account }) =>
      administrate(`GRANT ALL ON ${databaseOf(account)}.* TO ${account} WITH GRANT OPTION`),
  },
  "an account that may delete users and read another column": {
    id: "database.privileges-excess",
    status: "warning",
    plant: async ({ administrate, account }) => {
      await administrate(`GRANT DELETE ON users TO ${account}`);
      await administrate(`GRANT SELECT (name) ON users TO ${account}`);
    },
  },
  "an account that may read the server's files": {
    id: "database.privileges-excess",
    status: "warning",
    plant: ({ administrate, account }) => administrate(`GRANT FILE, PROCESS ON *.* TO ${account}`),
  },
  "a column that pads": {
    id: "database.data-column",
    status: "wrong",
    plant: ({ administrate }) => administrate("ALTER TABLE users MODIFY ownIdData CHAR(200)"),
  },
  "a column without all of Unicode": {
    id: "database.data-column",
    status: "wrong",
    plant: ({ administrate }) => administrate("ALTER TABLE users MODIFY ownIdData TEXT CHARACTER SET latin1"),
  },
  "login ids that need not be unique": {
    id: "database.login-id-column",
    status: "wrong",
    plant: ({ administrate }) => administrate("ALTER TABLE users DROP INDEX email"),
  },
  "login ids in upper case": {
    id: "login-ids.lower",
    status: "wrong",
    plant: async ({ administrate, environment }) => {
      environment.LOGIN_ID_CASE = "lower";
      await administrate("INSERT INTO users (email) VALUES ('Sol@testmail.com'), ('Éva@testmail.com')");
    },
  },
  "login ids with blanks": {
    id: "login-ids.blanks",
    status: "warning",
    plant: ({ administrate }) => administrate("INSERT INTO users (email) VALUES ('sol@testmail.com ')"),
  },
};

function databaseOf(account: string): string {
  return account.split("'")[1] ?? "";
}

describeWithPrivate("mariadb", "doctor on MariaDB", () => {
  beforeAll(async () => {
    server = await startMariadb({ settings: { "log-bin": "bin", "server-id": "1" } });
  });
  afterAll(() => server.remove());

  testDoctor(createSite, faults);

  test("prints an account of its own for a sidecar that logs in as root", async () => {
    await using site = await createSite();
    site.environment.DATABASE_URL = server.url(databaseOf(site.account));
    const { status, fix } = (await itemsOf(site)).get("database.privileges-excess") ?? {};
    expect(status).toBe("warning");
    for (const part of fix?.split(/(?<=;) /) ?? []) await site.administrate(part);
    site.environment.DATABASE_URL = site.environment.DATABASE_URL.replace(
      /root:[^@]*/,
      "ownid_sidecar:%3Cpassword%3E",
    );
    expect(await faultsOf(site)).toEqual([]);
  });

  test("finds the index of a table without rows, whose engine counts them", async () => {
    await using site = await createSite();
    await site.administrate("DELETE FROM users");
    await site.administrate("ALTER TABLE users ENGINE = MyISAM");
    expect((await itemsOf(site)).get("database.lookup")?.status).toBe("fine");
  });

  test("finds login ids that differ only in case, where the collation tells them apart", async () => {
    await using site = await createSite();
    await site.administrate("ALTER TABLE users MODIFY email VARCHAR(320) COLLATE utf8mb4_bin NOT NULL");
    await site.administrate("INSERT INTO users (email) VALUES ('sol@testmail.com'), ('Sol@testmail.com')");
    expect(await faultsOf(site)).toEqual(["login-ids.similar: warning"]);
  });

  test("names a server whose SYSDATE is NOW, and fixes one that lets nobody speak Unicode", async () => {
    const settings = {
      "sysdate-is-now": "ON",
      "skip-character-set-client-handshake": "ON",
      "character-set-server": "latin1",
    };
    await using other = await startMariadb({ settings });
    await using administrator = new SQL(other.url(), { max: 1 });
    await administrator.unsafe(
      "CREATE TABLE users (email VARCHAR(320) UNIQUE, ownIdData TEXT) CHARSET utf8mb4",
    );
    const deployment = await createDeployment({ DATABASE_URL: other.url() });
    await using site = {
      ...deployment,
      administrate: (statement: string) => administrator.unsafe(statement),
    };
    expect((await itemsOf(site)).get("database.sysdate")?.status).toBe("wrong");
    const fault: Fault<Deployment> = { id: "database.charset", status: "wrong", plant: () => {} };
    expect(await causeAndFix(site, fault)).toEqual(["wrong", "fine"]);
  });
});
