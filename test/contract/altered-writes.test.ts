import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { sharedMariadb } from "../../scripts/servers/mariadb-server.ts";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import { withoutHotCopy } from "../../src/coherence/hot-copy.ts";
import { createWriteThrough } from "../../src/coherence/write-through.ts";
import { describeWith } from "../support/describe-with.ts";
import { outcomeOf } from "../support/outcome.ts";
import { createSqliteFile, names, openTestDatabase, type TestDatabase } from "../support/test-database.ts";

setDefaultTimeout(30_000);

/** What the site has put between an UPDATE and its row, and what becomes of a set of `sent` over `old`. */
interface Interference {
  readonly what: string;
  readonly sql: readonly string[];
  readonly outcome: string;
  readonly row: string;
}

const sent = " A ";
const altered = { outcome: "ERR_VALUE_ALTERED", row: "A" };
const kept = { outcome: "ERR_VALUE_ALTERED", row: "old" };
const dropped = { outcome: "ERR_WRITE_SUPPRESSED", row: "old" };
const failed = { outcome: "ERR_DATABASE_UNAVAILABLE", row: "old" };
const done = { outcome: "done", row: sent };

const postgresFunction = (body: string) =>
  `CREATE OR REPLACE FUNCTION interfere() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} END $$`;
const postgresTrigger = (body: string, when = "BEFORE") => [
  postgresFunction(body),
  `CREATE TRIGGER interfere ${when} UPDATE ON users FOR EACH ROW EXECUTE FUNCTION interfere()`,
];

const postgresCases: readonly Interference[] = [
  {
    what: "a trigger that trims",
    sql: postgresTrigger("NEW.data := trim(NEW.data); RETURN NEW;"),
    ...altered,
  },
  {
    what: "a trigger that keeps the old value",
    sql: postgresTrigger("NEW.data := OLD.data; RETURN NEW;"),
    ...kept,
  },
  { what: "a trigger that drops the change", sql: postgresTrigger("RETURN NULL;"), ...dropped },
  { what: "a trigger that fails", sql: postgresTrigger("RAISE EXCEPTION 'no';"), ...failed },
  {
    what: "a trigger that fails after the change",
    sql: postgresTrigger("PERFORM 1 / 0; RETURN NULL;", "AFTER"),
    ...failed,
  },
  {
    what: "a trigger that changes the row again afterwards",
    sql: postgresTrigger(
      "IF NEW.data <> trim(NEW.data) THEN UPDATE users SET data = trim(data); END IF; RETURN NULL;",
      "AFTER",
    ),
    ...altered,
  },
  {
    what: "a trigger that fails at the commit",
    sql: [
      postgresFunction("RAISE EXCEPTION 'no';"),
      "CREATE CONSTRAINT TRIGGER interfere AFTER UPDATE ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION interfere()",
    ],
    ...failed,
  },
  {
    what: "a rule that drops the change",
    sql: ["CREATE RULE interfere AS ON UPDATE TO users WHERE NEW.data <> OLD.data DO INSTEAD NOTHING"],
    ...dropped,
  },
  {
    what: "a rule that writes elsewhere as well",
    sql: [
      "CREATE TABLE audit (onEvent text)",
      "CREATE RULE interfere AS ON UPDATE TO users DO ALSO INSERT INTO audit VALUES (NEW.data)",
    ],
    ...done,
  },
  { what: "a constraint", sql: ["ALTER TABLE users ADD CHECK (data = trim(data))"], ...failed },
];

const mariadbTrigger = (body: string, when = "BEFORE") => [
  `CREATE TRIGGER interfere ${when} UPDATE ON users FOR EACH ROW ${body}`,
];

const mariadbCases: readonly Interference[] = [
  { what: "a trigger that trims", sql: mariadbTrigger("SET NEW.data = trim(NEW.data)"), ...altered },
  { what: "a trigger that keeps the old value", sql: mariadbTrigger("SET NEW.data = OLD.data"), ...kept },
  { what: "a trigger that fails", sql: mariadbTrigger("SIGNAL SQLSTATE '45000'"), ...failed },
  {
    what: "a trigger that fails after the change",
    sql: mariadbTrigger("SIGNAL SQLSTATE '45000'", "AFTER"),
    ...failed,
  },
  {
    what: "a trigger that fails after the change in a table without transactions, and leaves it",
    sql: ["ALTER TABLE users ENGINE = MyISAM", ...mariadbTrigger("SIGNAL SQLSTATE '45000'", "AFTER")],
    ...done,
  },
  {
    what: "a trigger that fails before the change in a table without transactions",
    sql: ["ALTER TABLE users ENGINE = MyISAM", ...mariadbTrigger("SIGNAL SQLSTATE '45000'")],
    ...failed,
  },
  { what: "a constraint", sql: ["ALTER TABLE users ADD CHECK (data = trim(LEADING FROM data))"], ...failed },
];

const sqliteTrigger = (body: string, when = "BEFORE") => [
  `CREATE TRIGGER interfere ${when} UPDATE ON users BEGIN ${body}; END`,
];

const sqliteCases: readonly Interference[] = [
  {
    what: "a trigger that trims afterwards",
    sql: sqliteTrigger("UPDATE users SET data = trim(data)", "AFTER"),
    ...altered,
  },
  {
    what: "a trigger that puts the old value back",
    sql: sqliteTrigger("UPDATE users SET data = OLD.data", "AFTER"),
    ...kept,
  },
  { what: "a trigger that drops the change", sql: sqliteTrigger("SELECT RAISE(IGNORE)"), ...dropped },
  { what: "a trigger that fails", sql: sqliteTrigger("SELECT RAISE(ABORT, 'no')"), ...failed },
  {
    what: "a trigger that fails after the change, and leaves it",
    sql: sqliteTrigger("SELECT RAISE(FAIL, 'no')", "AFTER"),
    ...done,
  },
];

describe("SQLite", () => {
  describeInterference(sqliteCases, async () => createSqliteFile());
});

describeWith("postgres", "Postgres", () => {
  describeInterference(postgresCases, async () => {
    const url = await (await sharedPostgres()).createDatabase("altered_writes");
    return openTestDatabase({ kind: "postgres", url });
  });
});

describeWith("mariadb", "MariaDB", () => {
  describeInterference(mariadbCases, async () => {
    const url = await (await sharedMariadb()).createDatabase("altered_writes");
    return openTestDatabase({ kind: "mysql", url });
  });
});

function describeInterference(cases: readonly Interference[], open: () => Promise<TestDatabase>): void {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open();
  });
  afterEach(async () => {
    await database.closeDirectories();
    await database.run("DROP TABLE users");
  });
  afterAll(() => database[Symbol.asyncDispose]());

  test("refuses a column that is generated from others, with the reason", async () => {
    const base = "base text, data text GENERATED ALWAYS AS (base) STORED";
    await database.run(`CREATE TABLE users (email varchar(191) PRIMARY KEY, ${base})`);
    await database.run("INSERT INTO users (email, base) VALUES ('ann', 'old')");
    const directory = database.directory(names);
    // MariaDB says so only of a row that is there.
    const write = async () => {
      await directory.verifyConnection();
      const { databaseTimeMs } = await directory.find("ann");
      const deadlineMs = databaseTimeMs + 60_000;
      return directory.replaceOwnIdData({ loginId: "ann", expected: "old", replacement: "new", deadlineMs });
    };
    expect(await write().then(String, (error: Error) => error.message)).toContain("generated from others");
  });

  test.each(cases.map((one) => [one.what, one] as const))(
    "answers a set over %s with what the row holds",
    async (_, { sql, outcome, row }) => {
      await database.run("CREATE TABLE users (email varchar(191) PRIMARY KEY, data text)");
      await database.run("INSERT INTO users VALUES ('ann', 'old')");
      for (const statement of sql) await database.run(statement);
      const directory = database.directory(names);
      await directory.verifyConnection();
      const store = createWriteThrough({
        directory,
        hotCopy: withoutHotCopy,
        statementMs: 2000,
        auditShare: 0,
        onEvent: () => {},
      });
      const answer = await outcomeOf(store.set("ann", sent));
      const [stored] = await database.run("SELECT data FROM users");
      expect({ answer, stored: stored?.data, told: await store.get("ann") }).toEqual({
        answer: outcome,
        stored: row,
        told: row,
      });
    },
  );
}
