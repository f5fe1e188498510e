import { expect, setDefaultTimeout, test } from "bun:test";
import { SQL } from "bun";
import { sharedPostgres, startPostgres } from "../../scripts/servers/postgres-server.ts";
import {
  causeAndFix,
  createDeployment,
  type Deployment,
  type Fault,
  faultsOf,
  itemsOf,
} from "../support/deployment.ts";
import { describeWith, describeWithPrivate } from "../support/describe-with.ts";
import { startPgbouncer } from "../support/pgbouncer-server.ts";
import { createSidecarRedis } from "../support/sidecar-redis.ts";
import { createDoctorSite, type DoctorSite, sidecarPassword, testDoctor } from "./doctor-contract.ts";

setDefaultTimeout(30_000);

let sites = 0;

/** A database of the shared server with the site's table, and the sidecar's role. */
async function createSite(settings: Deployment["environment"] = {}): Promise<DoctorSite> {
  const server = await sharedPostgres();
  const name = `doctor_${++sites}`;
  const statements = [
    // The servers of the tests run without it, since they are thrown away.
    "ALTER SYSTEM SET fsync = on",
    "SELECT pg_reload_conf()",
    'CREATE TABLE users (id serial PRIMARY KEY, email text NOT NULL UNIQUE, "ownIdData" text, name text, blocked boolean)',
    `CREATE ROLE ${name} LOGIN PASSWORD '${sidecarPassword}'`,
    `GRANT SELECT (email, "ownIdData", blocked), UPDATE ("ownIdData") ON users TO ${name}`,
  ];
  return createDoctorSite({
    url: await server.createDatabase(name),
    name,
    account: name,
    statements,
    settings: { USERS_BLOCKED_COLUMN: "blocked", ...settings },
  });
}

const faults: Record<string, Fault<DoctorSite>> = {
  "a column that the table lacks": {
    id: "database.data-column",
    status: "wrong",
    plant: async ({ administrate, account }) => {
      await administrate('ALTER TABLE users DROP COLUMN "ownIdData"');
      await administrate(`ALTER TABLE users OWNER TO ${account}`);
    },
  },
  "a table under another name": {
    id: "database.table",
    status: "wrong",
    plant: ({ environment }) => {
      environment.USERS_TABLE = "user";
    },
  },
  "a column under another name": {
    id: "database.data-column",
    status: "wrong",
    plant: ({ environment }) => {
      environment.USERS_OWNID_DATA_COLUMN = "ownid_data";
    },
  },
  "a column that is too short": {
    id: "database.data-column",
    status: "wrong",
    plant: ({ administrate }) =>
      administrate('ALTER TABLE users ALTER COLUMN "ownIdData" TYPE varchar(2000)'),
  },
  "login ids that need not be unique": {
    id: "database.login-id-column",
    status: "wrong",
    plant: ({ administrate }) => administrate("ALTER TABLE users DROP CONSTRAINT users_email_key"),
  },
  "an index in another collation than the lookup's": {
    id: "database.lookup",
    status: "wrong",
    plant: async ({ administrate }) => {
      await administrate("ALTER TABLE users DROP CONSTRAINT users_email_key");
      await administrate('CREATE UNIQUE INDEX ON users (email COLLATE "POSIX")');
    },
  },
  "a role that may not write": {
    id: "database.privileges",
    status: "wrong",
    plant: ({ administrate, account }) =>
      administrate(`REVOKE UPDATE ("ownIdData") ON users FROM ${account}`),
  },
  "a role that may delete users and read all of them": {
    id: "database.privileges-excess",
    status: "warning",
    plant: ({ administrate, account }) => administrate(`GRANT SELECT, DELETE ON users TO ${account}`),
  },
  "a role that may write another column, like everyone": {
    id: "database.privileges-excess",
    status: "warning",
    plant: ({ administrate }) => administrate("GRANT UPDATE (email), TRUNCATE ON users TO PUBLIC"),
  },
  "a role that is in a group which may do more": {
    id: "database.privileges-excess",
    status: "warning",
    plant: async ({ administrate, account }) => {
      await administrate(
        `CREATE ROLE site_of_${account}; CREATE ROLE staff_of_${account} IN ROLE site_of_${account}`,
      );
      await administrate(`GRANT SELECT, INSERT, UPDATE, DELETE ON users TO site_of_${account}`);
      await administrate(`GRANT staff_of_${account} TO ${account}`);
    },
  },
  "a role that may create others": {
    id: "database.privileges-excess",
    status: "warning",
    plant: ({ administrate, account }) => administrate(`ALTER ROLE ${account} CREATEROLE CREATEDB BYPASSRLS`),
  },
  "rows that the role may not see": {
    id: "database.row-security",
    status: "warning",
    plant: ({ administrate }) => administrate("ALTER TABLE users ENABLE ROW LEVEL SECURITY"),
  },
  "a role that only reads": {
    id: "database.primary",
    status: "wrong",
    plant: ({ administrate, account }) =>
      administrate(`ALTER ROLE ${account} SET default_transaction_read_only = on`),
  },
  "a login id column whose operator is not searched": {
    id: "database.login-id-column",
    status: "wrong",
    plant: async ({ administrate }) => {
      await administrate("CREATE SCHEMA extensions");
      await administrate("CREATE EXTENSION citext SCHEMA extensions");
      await administrate("ALTER TABLE users ALTER email TYPE extensions.citext");
    },
  },
  "commits that a crash can lose": {
    id: "database.durability",
    status: "warning",
    plant: ({ administrate, account }) => administrate(`ALTER ROLE ${account} SET synchronous_commit = off`),
  },
  "a server that does not wait for its disk": {
    id: "database.durability",
    status: "warning",
    plant: async ({ administrate }) => {
      await administrate("ALTER SYSTEM SET fsync = off");
      await administrate("SELECT pg_reload_conf()");
    },
  },
  "a table that a crash empties": {
    id: "database.durability",
    status: "warning",
    plant: ({ administrate }) => administrate("ALTER TABLE users SET UNLOGGED"),
  },
  "connections that end while they are idle": {
    id: "database.idle",
    status: "warning",
    plant: ({ administrate, account }) =>
      administrate(`ALTER ROLE ${account} SET idle_session_timeout = '1min'`),
  },
  "too few connections for the role": {
    id: "database.connections",
    status: "wrong",
    plant: ({ administrate, account }) => administrate(`ALTER ROLE ${account} CONNECTION LIMIT 5`),
  },
  "a bigger pool than the server has connections": {
    id: "database.connections",
    status: "wrong",
    plant: ({ environment }) => {
      environment.DATABASE_POOL_MAX = "200";
    },
  },
  "no limit of a statement": {
    id: "database.time-limit",
    status: "warning",
    plant: ({ environment }) => {
      environment.DATABASE_PREPARE = "false";
    },
  },
  "login ids in upper case": {
    id: "login-ids.lower",
    status: "wrong",
    plant: async ({ administrate, environment }) => {
      environment.LOGIN_ID_CASE = "lower";
      await administrate(
        "INSERT INTO users (email) VALUES ('Sol@testmail.com'), ('ÉVA@testmail.com'), ('ann@testmail.com')",
      );
    },
  },
  "login ids with blanks": {
    id: "login-ids.blanks",
    status: "warning",
    plant: ({ administrate }) => administrate("INSERT INTO users (email) VALUES (' sol@testmail.com ')"),
  },
  "login ids in another Unicode form": {
    id: "login-ids.normalised",
    status: "warning",
    plant: ({ administrate }) =>
      administrate("INSERT INTO users (email) VALUES (U&'jose\\0301@testmail.com')"),
  },
};

describeWith("postgres", "doctor on Postgres", () => {
  testDoctor(createSite, faults);

  test("names a missing privilege to read once", async () => {
    await using site = await createSite();
    await site.administrate(`REVOKE SELECT (email), SELECT ("ownIdData") ON users FROM ${site.account}`);
    expect(await faultsOf(site)).toEqual(["database.privileges: wrong"]);
  });

  for (const [who, statement] of [
    ["a superuser", "ALTER ROLE # SUPERUSER"],
    ["the table's owner", "ALTER TABLE users OWNER TO #"],
  ] as const) {
    test(`prints a role of its own for a sidecar that logs in as ${who}`, async () => {
      await using site = await createSite();
      await site.administrate("DROP ROLE IF EXISTS ownid_sidecar");
      await site.administrate(statement.replace("#", site.account));
      const item = (await itemsOf(site)).get("database.privileges-excess");
      expect(item?.status).toBe("warning");
      for (const part of item?.fix?.split(/(?<=;) /) ?? []) await site.administrate(part);
      const url = new URL(site.environment.DATABASE_URL ?? "");
      url.username = "ownid_sidecar";
      url.password = "<password>";
      site.environment.DATABASE_URL = url.href;
      expect(await faultsOf(site)).toEqual([]);
      await site.administrate("DROP OWNED BY ownid_sidecar");
      await site.administrate("DROP ROLE ownid_sidecar");
    });
  }

  test("takes nothing from the site's own group to hold the sidecar's role back", async () => {
    await using site = await createSite();
    const group = `group_of_${site.account}`;
    await site.administrate(`CREATE ROLE ${group}; GRANT SELECT, INSERT, DELETE ON users TO ${group}`);
    await site.administrate(`GRANT ${group} TO ${site.account}`);
    const [fix] = (await itemsOf(site)).get("database.privileges-excess")?.fixes ?? [];
    for (const { text } of fix?.steps ?? []) await site.administrate(text);
    expect(await faultsOf(site)).toEqual([]);
    expect(
      await site.administrate(`SELECT has_table_privilege('${group}', 'users', 'DELETE') AS kept`),
    ).toEqual([{ kept: true }]);
  });

  test("counts login ids that differ only in case, blanks or Unicode form, and tells none", async () => {
    await using site = await createSite();
    await site.administrate(`INSERT INTO users (email) VALUES
      ('sol@testmail.com'), ('SOL@testmail.com '), ('ÉVA@testmail.com'), ('éva@testmail.com'), ('ann@testmail.com')`);
    const items = await itemsOf(site);
    expect(items.get("login-ids.similar")).toMatchObject({
      status: "warning",
      detail: "2 login ids occur more than once, in another case, with blanks or in another Unicode form",
    });
    expect(JSON.stringify([...items.values()])).not.toMatch(/testmail/);
  });

  test("advises no index where the operator of the login id column is not searched", async () => {
    await using site = await createSite();
    await site.administrate("CREATE SCHEMA extensions");
    await site.administrate("CREATE EXTENSION citext SCHEMA extensions");
    await site.administrate("ALTER TABLE users ALTER email TYPE extensions.citext");
    expect((await faultsOf(site)).filter((fault) => fault.startsWith("database."))).toEqual([
      "database.login-id-column: wrong",
    ]);
  });

  test("ends within its deadlines while the table is locked, and says which checks were kept waiting", async () => {
    await using site = await createSite();
    const server = await sharedPostgres();
    await using holder = new SQL(server.url(site.account), { max: 1 });
    await holder.begin(async (transaction) => {
      await transaction.unsafe("LOCK TABLE users");
      const begun = performance.now();
      const items = await itemsOf(site, { deadlineMs: 800 });
      expect(performance.now() - begun).toBeLessThan(4000);
      expect(items.get("database.privileges")).toMatchObject({
        status: "wrong",
        detail: "no answer within 0.8 s",
      });
      expect(items.get("login-ids.blanks")?.status).toBe("warning");
      expect(items.get("database.primary")?.status).toBe("fine");
    });
  });
});

describeWithPrivate("postgres", "doctor on a Postgres that does not answer", () => {
  test("says so within its deadline", async () => {
    await using server = await startPostgres();
    await using site = await createDeployment({ DATABASE_URL: server.url() });
    await server.freeze();
    const begun = performance.now();
    expect(await faultsOf(site, { deadlineMs: 700 })).toEqual(["database.reachable: wrong"]);
    expect(performance.now() - begun).toBeLessThan(4000);
    await server.thaw();
  });
});

describeWithPrivate("redis", "doctor on Postgres and Redis", () => {
  test("doubts the host's clock where database and Redis agree with each other", async () => {
    await using redis = await createSidecarRedis();
    await using site = await createSite({ REDIS_URL: redis.url });
    const clocks = async (fastMs: number) => {
      const items = await itemsOf(site, { now: () => Date.now() + fastMs });
      return [items.get("clocks.database"), items.get("clocks.redis")];
    };
    const both = (status: string) => [
      { status },
      { status, detail: expect.stringContaining("this host's clock is off") },
    ];
    expect(await clocks(2500)).toMatchObject(both("warning"));
    expect(await clocks(-9000)).toMatchObject(both("wrong"));
  });
});

describeWith("pgbouncer", "doctor behind pgbouncer", () => {
  for (const [what, settings] of [
    ["refuses", {}],
    ["drops", { ignore_startup_parameters: "statement_timeout,application_name" }],
  ] as const) {
    test(`names and fixes a pooler that ${what} the sidecar's parameters`, async () => {
      await using site = await createSite();
      await using pooler = await startPgbouncer(await sharedPostgres(), settings);
      site.environment.DATABASE_URL = pooler.url(site.account);
      const fault: Fault<DoctorSite> = { id: "database.pooler", status: "wrong", plant: () => {} };
      expect(await causeAndFix(site, fault)).toEqual(["wrong", "fine"]);
    });
  }
});
