import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { sharedMariadb } from "../../scripts/servers/mariadb-server.ts";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import type { Replaced, UserDirectory } from "../../src/coherence/user-directory.ts";
import { DatabaseUnavailable } from "../../src/errors.ts";
import { describeWith } from "../support/describe-with.ts";
import { outcomeOf } from "../support/outcome.ts";
import { names, openTestDatabase, type TestDatabase } from "../support/test-database.ts";
import { withAccount } from "./table-check-contract.ts";

setDefaultTimeout(30_000);

const triggerFailed = "a trigger of the user table failed: ";

/** A directory that has checked the table, and what its write of `new` over `old` throws. */
async function refusalOf(database: TestDatabase): Promise<string> {
  const directory = database.directory(names);
  await directory.verifyConnection();
  return set(directory).then(String, (error) =>
    error instanceof DatabaseUnavailable ? error.message : String(error),
  );
}

async function set(directory: UserDirectory, replacement = "new"): Promise<Replaced> {
  const { databaseTimeMs, ownIdData } = await directory.find("ann");
  const deadlineMs = databaseTimeMs + 60_000;
  return directory.replaceOwnIdData({ loginId: "ann", expected: ownIdData, replacement, deadlineMs });
}

describeWith("postgres", "a trigger in Postgres", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    const siteUrl = await (await sharedPostgres()).createDatabase("triggers");
    const url = withAccount(siteUrl, "triggered", "secret");
    database = openTestDatabase({ kind: "postgres", url, siteUrl });
    for (const statement of [
      "CREATE ROLE triggered LOGIN PASSWORD 'secret'",
      "CREATE TABLE users (email text PRIMARY KEY, data varchar(5000))",
      "INSERT INTO users VALUES ('ann', 'old')",
      "GRANT SELECT (email, data), UPDATE (data) ON users TO triggered",
      "CREATE TABLE audit (note varchar(3))",
    ])
      await database.run(statement);
  });
  afterEach(() => database.closeDirectories());
  afterAll(() => database[Symbol.asyncDispose]());

  test.each([
    ["writes what the role may not write", "INSERT INTO audit VALUES ('a')", "", "42501"],
    ["finds its own column too short", "INSERT INTO audit VALUES ('a note')", "SECURITY DEFINER", "22001"],
    ["raises an error", "RAISE EXCEPTION 'no'", "", "P0001"],
  ])("that %s is named as what failed, not the role or the column", async (_, body, rights, state) => {
    await database.run(
      `CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql ${rights} AS $$ BEGIN ${body}; RETURN NULL; END $$`,
    );
    await database.run(
      "CREATE TRIGGER note AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note_change()",
    );
    const refusal = await refusalOf(database);
    await database.run("DROP FUNCTION note_change CASCADE");
    expect(refusal).toBe(`a trigger or rule of the table failed in note_change (SQLSTATE ${state})`);
  });

  test("is not blamed for what a row security policy refuses", async () => {
    await database.run("ALTER TABLE users ENABLE ROW LEVEL SECURITY");
    await database.run("CREATE POLICY short ON users USING (true) WITH CHECK (length(data) < 3)");
    const refusal = await refusalOf(database);
    await database.run("DROP POLICY short ON users");
    await database.run("ALTER TABLE users DISABLE ROW LEVEL SECURITY");
    expect(refusal).toBe("a row security policy of the table refuses the change (SQLSTATE 42501)");
  });
});

describeWith("mariadb", "MariaDB", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    const siteUrl = await (await sharedMariadb()).createDatabase("triggers");
    const url = withAccount(siteUrl, "triggered", "secret");
    database = openTestDatabase({ kind: "mysql", url, siteUrl });
    for (const statement of [
      "CREATE USER triggered@'127.0.0.1' IDENTIFIED BY 'secret'",
      "CREATE USER author@'127.0.0.1' IDENTIFIED BY 'secret'",
      "GRANT TRIGGER ON triggers.* TO author@'127.0.0.1'",
    ])
      await database.run(statement);
  });
  afterEach(async () => {
    await database.closeDirectories();
    await database.run("DROP TABLE IF EXISTS users, audit");
  });
  afterAll(() => database[Symbol.asyncDispose]());

  async function createUsers(type: string): Promise<void> {
    await database.run(`CREATE TABLE users (email varchar(191) PRIMARY KEY, data ${type})`);
    await database.run("INSERT INTO users (email) VALUES ('ann')");
    await database.run("GRANT SELECT (email, data), UPDATE (data) ON users TO triggered@'127.0.0.1'");
  }

  test.each([
    ["writes what its author may not write", "author@'127.0.0.1'", "INSERT INTO audit VALUES ('a')", "1142"],
    ["finds its own column too short", "root@'127.0.0.1'", "INSERT INTO audit VALUES ('a note')", "1406"],
    ["names a table that is not there", "root@'127.0.0.1'", "INSERT INTO missing VALUES ('a')", "1146"],
  ])(
    "names a trigger that %s as what failed, not the user or the column",
    async (_, author, body, number) => {
      await createUsers("text");
      await database.run("CREATE TABLE audit (note varchar(3))");
      await database.run(`CREATE DEFINER=${author} TRIGGER note AFTER UPDATE ON users FOR EACH ROW ${body}`);
      const refusal = await refusalOf(database);
      expect(refusal).toStartWith(triggerFailed);
      expect(refusal).toEndWith(`(error ${number})`);
    },
  );

  test("names a trigger that raises an error", async () => {
    await createUsers("text");
    await database.run("CREATE TRIGGER note BEFORE UPDATE ON users FOR EACH ROW SIGNAL SQLSTATE '45000'");
    expect(await refusalOf(database)).toBe("a trigger of the table refuses the change (error 1644)");
  });

  test("answers a JSON column as the text that was written, and names the constraint that refuses other text", async () => {
    await createUsers("JSON");
    const directory = database.directory(names);
    // The account may not see the constraint.
    await directory.verifyConnection();
    const list = '{ "devices": [ ] }';
    expect(await set(directory, list)).toBe("changed");
    expect((await directory.find("ann")).ownIdData).toBe(list);
    expect(await set(directory, "[1]")).toBe("changed");
    expect((await directory.find("ann")).ownIdData).toBe("[1]");
    expect(await outcomeOf(set(directory, "no JSON"))).toBe("ERR_DATABASE_UNAVAILABLE");
    expect((await directory.find("ann")).ownIdData).toBe("[1]");
  });

  test("counts a value too long for the column as such, where the column was made shorter meanwhile", async () => {
    await createUsers("varchar(6000)");
    const directory = database.directory(names);
    await directory.verifyConnection();
    await database.run("ALTER TABLE users MODIFY data varchar(5000)");
    expect(directory.fits("x".repeat(5500))).toBe(true);
    expect(await outcomeOf(set(directory, "x".repeat(5500)))).toBe("ERR_OWNID_DATA_TOO_LONG");
    expect(directory.fits("x".repeat(5500))).toBe(false);
  });
});
