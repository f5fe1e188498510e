import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import type { Replaced } from "../../src/coherence/user-directory.ts";
import { describeWith } from "../support/describe-with.ts";
import { replaceProperty } from "../support/replaced-property.ts";
import { names, openTestDatabase, type TestDatabase } from "../support/test-database.ts";
import { withAccount } from "./table-check-contract.ts";

setDefaultTimeout(30_000);

const role = "confirmed_update_sidecar";

describeWith("postgres", "an UPDATE in Postgres", () => {
  let database: TestDatabase;

  beforeAll(async () => {
    const siteUrl = await (await sharedPostgres()).createDatabase("confirmed_update");
    database = openTestDatabase({
      kind: "postgres",
      url: withAccount(siteUrl, role, "secret"),
      siteUrl,
    });
    await database.run(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
    await database.run("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'");
  });

  beforeEach(async () => {
    await database.run("DROP TABLE IF EXISTS users CASCADE");
    await database.run("CREATE TABLE users (email text PRIMARY KEY, data text)");
    await database.run("INSERT INTO users VALUES ('ann', 'old')");
    await database.run(`GRANT SELECT (email, data), UPDATE (data) ON users TO ${role}`);
  });

  afterAll(() => database[Symbol.asyncDispose]());

  /** What an UPDATE says when the site has run this SQL since the table was examined. */
  async function replacedAfter(...sql: readonly string[]): Promise<Replaced> {
    const directory = database.directory(names);
    await directory.verifyConnection();
    for (const statement of sql) await database.run(statement);
    const { databaseTimeMs } = await directory.find("ann");
    const deadlineMs = databaseTimeMs + 60_000;
    return directory.replaceOwnIdData({
      loginId: "ann",
      expected: "old",
      replacement: "new",
      deadlineMs,
    });
  }

  test("confirms what the row holds, to an account with the least privileges", async () => {
    expect(await replacedAfter()).toBe("holds");
  });

  test("confirms it where other tables refer to the user, and where a trigger runs before the change", async () => {
    const referring = "CREATE TABLE devices (email text REFERENCES users ON UPDATE CASCADE)";
    const trigger = "CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION f()";
    expect(await replacedAfter(referring, trigger, "DROP TABLE devices")).toBe("holds");
  });

  test.each([
    ["an AFTER trigger", "CREATE TRIGGER t AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION f()"],
    ["an AFTER trigger of the statement", "CREATE TRIGGER t AFTER UPDATE ON users EXECUTE FUNCTION f()"],
    [
      "a deferred trigger",
      "CREATE CONSTRAINT TRIGGER t AFTER UPDATE ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f()",
    ],
    ["a rule", "CREATE RULE r AS ON UPDATE TO users DO ALSO SELECT 1"],
    ["a table that inherits", "CREATE TABLE more_users () INHERITS (users)"],
  ])("leaves it to be read back where there is %s", async (_, sql) => {
    expect(await replacedAfter(sql)).toBe("changed");
  });

  test("leaves it to be read back where a trigger has altered the value", async () => {
    const altering = `CREATE OR REPLACE FUNCTION alter_data() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN NEW.data := upper(NEW.data); RETURN NEW; END'`;
    const trigger = "CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION alter_data()";
    expect(await replacedAfter(altering, trigger)).toBe("changed");
  });

  test("takes effect again within a minute after a rule that dropped it is gone", async () => {
    const directory = database.directory(names);
    await directory.verifyConnection();
    const { databaseTimeMs } = await directory.find("ann");
    const deadlineMs = databaseTimeMs + 600_000;
    const change = { loginId: "ann", expected: "old", replacement: "new", deadlineMs };
    await database.run("CREATE RULE r AS ON UPDATE TO users DO INSTEAD NOTHING");
    expect(await directory.replaceOwnIdData(change)).toBe("unchanged");
    await database.run("DROP RULE r ON users");
    const now = performance.now();
    using _clock = { [Symbol.dispose]: replaceProperty(performance, "now", () => now + 60_000) };
    await directory.verifyConnection();
    expect(await directory.replaceOwnIdData(change)).not.toBe("unchanged");
  });
});
