import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type MariadbServer, startMariadb } from "../../scripts/servers/mariadb-server.ts";
import { sharedPostgres, startPostgres } from "../../scripts/servers/postgres-server.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { createSqlUserScan } from "../../scripts/sync/sql-user-scan.ts";
import type { UserDirectory } from "../../src/coherence/user-directory.ts";
import { DatabaseUnavailable } from "../../src/errors.ts";
import { withoutTls } from "../support/database-tls.ts";
import { describeWith, describeWithPrivate } from "../support/describe-with.ts";
import { outcomeOf } from "../support/outcome.ts";
import { names, openTestDatabase, type TestDatabase } from "../support/test-database.ts";
import { problemsOf, withAccount } from "./table-check-contract.ts";

setDefaultTimeout(60_000);

const createUsers = [
  "CREATE TABLE users (email varchar(191) PRIMARY KEY, data text)",
  "INSERT INTO users VALUES ('ann', 'old')",
];
const replica = "the database is read-only: a replica";

describeWithPrivate("mariadb", "a MariaDB on which nobody can rely", () => {
  let server: MariadbServer;
  let database: TestDatabase;
  beforeAll(async () => {
    server = await startMariadb({ settings: { "log-bin": "bin", "server-id": "1" } });
    database = openTestDatabase({ kind: "mysql", url: server.url() });
    for (const statement of createUsers) await database.run(statement);
  });
  afterEach(() => database.closeDirectories());
  afterAll(async () => {
    await database[Symbol.asyncDispose]();
    await server.remove();
  });

  const stored = async () => (await database.run("SELECT data FROM users WHERE email = 'ann'"))[0]?.data;

  test.each([
    ["does not commit by itself", "autocommit = OFF", "autocommit = ON"],
    [
      "shows what is not committed",
      "TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
      "TRANSACTION ISOLATION LEVEL READ COMMITTED",
    ],
    ["writes statements into its binary log", "binlog_format = 'STATEMENT'", "binlog_format = 'MIXED'"],
  ])("refuses one that %s, and has repaired it", async (_, state, cure) => {
    await database.run(`SET GLOBAL ${state}`);
    const directory = database.directory(names);
    const [problem = ""] = await problemsOf(directory);
    const command = `SET GLOBAL ${cure};`;
    expect(problem).toStartWith("DATABASE_URL: the server");
    expect(problem).toContain(command);
    expect(await outcomeOf(directory.find("ann"))).toBe("ERR_DATABASE_UNAVAILABLE");
    await database.run(command);
    expect(await problemsOf(directory)).toEqual([]);
    expect((await directory.find("ann")).ownIdData).toBe("old");
  });

  test("takes no row, no absence and no UPDATE from one that has been made a replica, to a privileged account either", async () => {
    const directory = database.directory(names, { poolMax: 1 });
    await directory.verifyConnection();
    const user = await directory.find("ann");
    await database.run("SET GLOBAL read_only = ON");
    const change = changeOf(user, "written to a replica");
    const outcomes = {
      known: await reasonOf(directory.find("ann")),
      unknown: await reasonOf(directory.find("nobody")),
      update: await directory.replaceOwnIdData(change),
      check: await reasonOf(directory.verifyConnection()),
    };
    const row = await stored();
    await database.run("SET GLOBAL read_only = OFF");
    expect(outcomes).toEqual({ known: replica, unknown: replica, update: "unchanged", check: replica });
    expect(row).toBe("old");
    expect(await eventually(() => outcomeOf(directory.find("ann")), "done")).toBe("done");
  });

  test("gives the commands that go through every user no row either", async () => {
    const options = { kind: "mysql", url: server.url(), poolMax: 1, prepare: true, tls: withoutTls } as const;
    const scan = createSqlUserScan({ ...options, names, statementMs: 2000 });
    const listed = await scan.list(null, 10);
    await database.run("SET GLOBAL read_only = ON");
    const reasons = [await reasonOf(scan.list(null, 10)), await reasonOf(scan.read(["ann"]))];
    await database.run("SET GLOBAL read_only = OFF");
    await scan.close();
    expect({ listed, reasons }).toEqual({
      listed: [{ loginId: "ann", isEnrolled: true }],
      reasons: [replica, replica],
    });
  });

  test("is not misled by one that cuts results off", async () => {
    await database.run("INSERT INTO users VALUES ('bob', 'of bob')");
    await database.run("SET GLOBAL sql_select_limit = 1");
    const directory = database.directory(names, { poolMax: 1 });
    const options = { kind: "mysql", url: server.url(), poolMax: 1, prepare: true, tls: withoutTls } as const;
    const scan = createSqlUserScan({ ...options, names, statementMs: 2000 });
    const problems = await problemsOf(directory);
    const read = await scan.read(["ann", "bob"]);
    await database.run("SET GLOBAL read_only = ON");
    const reason = await reasonOf(directory.find("ann"));
    await database.run("SET GLOBAL read_only = OFF, GLOBAL sql_select_limit = DEFAULT");
    await database.run("DELETE FROM users WHERE email = 'bob'");
    await scan.close();
    expect({ problems, read: [...read.keys()], reason }).toEqual({
      problems: [],
      read: ["ann", "bob"],
      reason: replica,
    });
  });

  test("leaves connections that began without autocommit, once it is on again", async () => {
    await database.run("SET GLOBAL autocommit = OFF");
    const directory = database.directory(names, { poolMax: 1 });
    expect(await problemsOf(directory)).not.toEqual([]);
    await database.run("SET GLOBAL autocommit = ON");
    expect(await eventually(async () => (await problemsOf(directory)).length, 0)).toBe(0);
    const user = await directory.find("ann");
    expect(await directory.replaceOwnIdData(changeOf(user, "committed"))).not.toBe("unchanged");
    expect(await stored()).toBe("committed");
    await database.run("UPDATE users SET data = 'old'");
  });

  test.each([
    ["inside a transaction", "START TRANSACTION", "inside a transaction"],
    ["with another character set", "SET NAMES latin1", "another character set"],
    ["in an earlier time", "SET system_versioning_asof = '2020-01-01 00:00:00'", "an earlier time"],
    ["outside the binary log", "SET sql_log_bin = OFF", "binary log"],
  ])(
    "refuses connections that begin %s, also where they first do so while it runs",
    async (_, begin, words) => {
      await database.run("CREATE OR REPLACE USER app@'127.0.0.1' IDENTIFIED BY 'app'");
      await database.run("GRANT SELECT, UPDATE ON users TO app@'127.0.0.1'");
      await database.run("GRANT BINLOG ADMIN ON *.* TO app@'127.0.0.1'");
      const directory = database.directory(names, {
        url: withAccount(server.url(), "app", "app"),
        poolMax: 1,
      });
      await directory.verifyConnection();
      const change = changeOf(await directory.find("ann"), "unseen");
      await database.run(`SET GLOBAL init_connect = "${begin}"`);
      const [connection] = await database.run(
        "SELECT id FROM information_schema.processlist WHERE user = 'app'",
      );
      await database.run(`KILL ${connection?.id}`);
      const outcomes = {
        update: await eventually(() => directory.replaceOwnIdData(change).catch(String), "unchanged"),
        find: await reasonOf(directory.find("ann")),
        start: await problemsOf(database.directory(names, { url: withAccount(server.url(), "app", "app") })),
      };
      await database.run("SET GLOBAL init_connect = ''");
      expect(outcomes).toEqual({
        update: "unchanged",
        find: expect.stringContaining(words),
        start: [expect.stringContaining(words === "another character set" ? "latin1" : words)],
      });
      expect(await stored()).toBe("old");
      expect(await eventually(async () => (await problemsOf(directory)).length, 0)).toBe(0);
    },
  );

  test("leaves no write that waits for the end of a backup", async () => {
    const directory = database.directory(names);
    await directory.verifyConnection();
    const change = changeOf(await directory.find("ann"), "after the backup");
    for (const stage of ["START", "FLUSH", "BLOCK_DDL", "BLOCK_COMMIT"])
      await database.run(`BACKUP STAGE ${stage}`);
    const reason = await reasonOf(directory.replaceOwnIdData(change));
    await database.run("BACKUP STAGE END");
    expect(reason).toContain("time limit");
    expect(await stored()).toBe("old");
  });

  test("writes rows into its binary log in the format that the advice names", async () => {
    const directory = database.directory(names);
    await directory.verifyConnection();
    await directory.replaceOwnIdData(changeOf(await directory.find("ann"), "logged"));
    await database.run("UPDATE users SET data = 'old'");
    const events = await database.run("SHOW BINLOG EVENTS");
    expect(events.some(({ Event_type }) => /update_rows/i.test(String(Event_type)))).toBe(true);
  });
});

describeWithPrivate("postgres", "a Postgres connection that was left with another character set", () => {
  test("gives no row and takes no value, and is left", async () => {
    await using server = await startPostgres();
    await using database = openTestDatabase({ kind: "postgres", url: server.url() });
    for (const statement of createUsers) await database.run(statement);
    await database.run(
      `CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN PERFORM set_config('client_encoding', 'LATIN1', false); RETURN NEW; END $$`,
    );
    const directory = database.directory(names, { poolMax: 1 });
    await directory.verifyConnection();
    const change = changeOf(await directory.find("ann"), "é");
    await database.run("CREATE TRIGGER leave BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION leave()");
    await directory.replaceOwnIdData(change);
    const outcomes = [
      await directory.replaceOwnIdData({ ...change, expected: "é", replacement: "ü" }),
      await reasonOf(directory.find("ann")),
      await eventually(async () => (await directory.find("ann")).ownIdData, "é"),
    ];
    expect(outcomes).toEqual(["unchanged", expect.stringContaining("another character set"), "é"]);
  });
});

describeWithPrivate("postgres", "a Postgres that has been made a standby", () => {
  test("gives no row and no absence, until it is the primary again", async () => {
    await using server = await startPostgres();
    await using database = openTestDatabase({ kind: "postgres", url: server.url() });
    for (const statement of createUsers) await database.run(statement);
    const directory = database.directory(names, { poolMax: 2 });
    await directory.verifyConnection();
    const [folder] = await database.run("SHOW data_directory");
    const signal = join(String(folder?.data_directory), "standby.signal");
    await server.stop();
    await Bun.write(signal, "");
    await server.start();
    expect(await eventually(() => reasonOf(directory.find("ann")), replica)).toBe(replica);
    expect(await reasonOf(directory.find("nobody"))).toBe(replica);
    expect(await reasonOf(directory.verifyConnection())).toBe(replica);
    await server.stop();
    rmSync(signal);
    await server.start();
    expect(await eventually(() => outcomeOf(directory.find("ann")), "done")).toBe("done");
  });
});

describeWith("postgres", "a Postgres role that only reads", () => {
  test("gives no row, and is not taken for a replica", async () => {
    const url = await (await sharedPostgres()).createDatabase("read_only_role");
    await using database = openTestDatabase({ kind: "postgres", url });
    for (const statement of createUsers) await database.run(statement);
    await database.run("ALTER DATABASE read_only_role SET default_transaction_read_only = on");
    const reason = await reasonOf(database.directory(names).verifyConnection());
    expect(reason).toContain("default_transaction_read_only");
    expect(reason).toContain("no replica");
  });
});

function changeOf(user: Awaited<ReturnType<UserDirectory["find"]>>, replacement: string) {
  const { loginId, ownIdData, databaseTimeMs } = user;
  return { loginId, expected: ownIdData, replacement, deadlineMs: databaseTimeMs + 60_000 };
}

async function reasonOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "done";
  } catch (error) {
    return error instanceof DatabaseUnavailable ? error.message : String(error);
  }
}
