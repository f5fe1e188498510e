import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { sharedMariadb } from "../../scripts/servers/mariadb-server.ts";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import { describeWith } from "../support/describe-with.ts";
import { outcomeOf } from "../support/outcome.ts";
import { replaceProperty } from "../support/replaced-property.ts";
import { createSqliteFile, openTestDatabase, type TestDatabase } from "../support/test-database.ts";
import { problemsOf } from "./table-check-contract.ts";

setDefaultTimeout(30_000);

const names = {
  table: "users",
  loginIdColumn: "email",
  ownIdDataColumn: "data",
  blockedColumn: "blocked",
  session: null,
};

interface Changes {
  readonly types: TypeChanges | null;
  readonly dropUnique: string;
  readonly addUnique: string;
}

interface TypeChanges {
  /** Makes the number column `blocked` a boolean, without another statement in between. */
  readonly toBoolean: string;
  /** Makes it a text, which does not tell who is blocked, and back. */
  readonly toText: readonly [there: string, back: string];
}

const uniqueIndex = {
  dropUnique: "DROP INDEX users_email",
  addUnique: "CREATE UNIQUE INDEX users_email ON users (email)",
};

describe("SQLite", () => {
  describeChanges(async () => createSqliteFile(), { types: null, ...uniqueIndex });
});

describeWith("postgres", "Postgres", () => {
  describeChanges(
    async () => {
      const url = await (await sharedPostgres()).createDatabase("changed_table");
      return openTestDatabase({ kind: "postgres", url });
    },
    {
      types: {
        toBoolean: "ALTER TABLE users ALTER blocked TYPE boolean USING blocked <> 0",
        toText: [
          "ALTER TABLE users ALTER blocked TYPE text",
          "ALTER TABLE users ALTER blocked TYPE boolean USING false",
        ],
      },
      ...uniqueIndex,
    },
  );
});

describeWith("mariadb", "MariaDB", () => {
  describeChanges(
    async () => {
      const url = await (await sharedMariadb()).createDatabase("changed_table");
      return openTestDatabase({ kind: "mysql", url });
    },
    {
      types: {
        toBoolean: "ALTER TABLE users MODIFY blocked boolean",
        toText: ["ALTER TABLE users MODIFY blocked text", "ALTER TABLE users MODIFY blocked int"],
      },
      dropUnique: "DROP INDEX users_email ON users",
      addUnique: uniqueIndex.addUnique,
    },
  );
});

function describeChanges(open: () => Promise<TestDatabase>, changes: Changes): void {
  const { types, dropUnique, addUnique } = changes;
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open();
  });
  afterEach(async () => {
    await database.closeDirectories();
    await database.run("DROP TABLE users");
  });
  afterAll(() => database[Symbol.asyncDispose]());

  async function openUsers() {
    await database.run("CREATE TABLE users (email varchar(191) NOT NULL, data text, blocked int)");
    await database.run(addUnique);
    await database.run("INSERT INTO users (email, data) VALUES ('ann', 'old')");
    const directory = database.directory(names);
    await directory.verifyConnection();
    expect((await directory.find("ann")).ownIdData).toBe("old");
    return directory;
  }

  // SQLite knows no other type of a column than the one it was created with.
  if (types !== null) describeTypes(types);

  test("refuses every call while a column is gone, with the reason, and goes on when it is back", async () => {
    const directory = await openUsers();
    await database.run("ALTER TABLE users RENAME COLUMN data TO other");
    expect(await outcomeOf(directory.find("ann"))).toBe("ERR_DATABASE_UNAVAILABLE");
    const change = { loginId: "ann", expected: "old", replacement: "new", deadlineMs: Date.now() + 60_000 };
    expect(await outcomeOf(directory.replaceOwnIdData(change))).toBe("ERR_DATABASE_UNAVAILABLE");
    const [problem] = await problemsOf(directory);
    expect(problem).toStartWith('USERS_OWNID_DATA_COLUMN: table "users" has no column "data"');
    await database.run("ALTER TABLE users RENAME COLUMN other TO data");
    expect(await problemsOf(directory)).toEqual([]);
    expect((await directory.find("ann")).ownIdData).toBe("old");
  });

  test("examines the table again once a minute, and refuses every call while it does not fit", async () => {
    const directory = await openUsers();
    await database.run(dropUnique);
    expect(await problemsOf(directory)).toEqual([]);
    const now = performance.now();
    using _clock = { [Symbol.dispose]: replaceProperty(performance, "now", () => now + 60_000) };
    const [problem] = await problemsOf(directory);
    expect(problem).toStartWith('USERS_LOGIN_ID_COLUMN: column "email" is not unique');
    expect(await outcomeOf(directory.find("ann"))).toBe("ERR_DATABASE_UNAVAILABLE");
    await database.run(addUnique);
    expect(await problemsOf(directory)).toEqual([]);
    expect(await outcomeOf(directory.find("ann"))).toBe("done");
  });

  test("takes two rows with one login id for an error on every call", async () => {
    const directory = await openUsers();
    const { databaseTimeMs } = await directory.find("ann");
    await database.run(dropUnique);
    await database.run("INSERT INTO users (email, data) VALUES ('ann', 'old')");
    const change = {
      loginId: "ann",
      expected: "old",
      replacement: "new",
      deadlineMs: databaseTimeMs + 60_000,
    };
    expect(await outcomeOf(directory.find("ann"))).toBe("ERR_DATABASE_UNAVAILABLE");
    // Both rows hold the new value now, so "nothing was written" would not be true.
    expect(await outcomeOf(directory.replaceOwnIdData(change))).toBe("ERR_OUTCOME_UNKNOWN");
    expect(await outcomeOf(directory.find("ann"))).toBe("ERR_DATABASE_UNAVAILABLE");
  });

  function describeTypes({ toBoolean, toText: [there, back] }: TypeChanges): void {
    test("goes on by itself when a column becomes another type that fits", async () => {
      const directory = await openUsers();
      await database.run(toBoolean);
      const user = await directory.find("ann");
      expect(user.blocked).toBe(false);
      const deadlineMs = user.databaseTimeMs + 60_000;
      const change = { loginId: "ann", expected: "old", replacement: "new", deadlineMs };
      expect(await directory.replaceOwnIdData(change)).not.toBe("unchanged");
      await database.run("ALTER TABLE users RENAME COLUMN data TO other");
      await database.run("ALTER TABLE users RENAME COLUMN other TO data");
      expect((await directory.find("ann")).ownIdData).toBe("new");
    });

    test("does not guess who is blocked when the column has become a text", async () => {
      const directory = await openUsers();
      await database.run(there);
      const now = performance.now();
      using _clock = { [Symbol.dispose]: replaceProperty(performance, "now", () => now + 60_000) };
      expect((await problemsOf(directory))[0]).toStartWith("USERS_BLOCKED_COLUMN:");
      expect(await outcomeOf(directory.find("ann"))).toBe("ERR_DATABASE_UNAVAILABLE");
      await database.run(back);
      expect(await problemsOf(directory)).toEqual([]);
    });
  }
}
