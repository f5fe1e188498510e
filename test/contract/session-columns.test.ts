import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { sharedMariadb } from "../../scripts/servers/mariadb-server.ts";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import type { DatabaseKind } from "../../src/config/database-address.ts";
import type { TableNames } from "../../src/directory/dialects/dialect.ts";
import { subjectOf } from "../../src/sessions/subject.ts";
import { describeWith } from "../support/describe-with.ts";
import { outcomeOf } from "../support/outcome.ts";
import { createSqliteFile, openTestDatabase, type TestDatabase } from "../support/test-database.ts";
import { accounts, problemsOf, withAccount } from "./table-check-contract.ts";

setDefaultTimeout(30_000);

interface Column {
  readonly type: string;
  /** An SQL literal, and the claim that it becomes; `undefined` = no claim. */
  readonly values: readonly (readonly [literal: string, claim: unknown])[];
}

const texts: Column["values"] = [
  ["'Größe 😀 \"x\"'", 'Größe 😀 "x"'],
  ["''", ""],
  ["' both ends '", " both ends "],
  ["'007'", "007"],
  ["'true'", "true"],
  ["NULL", undefined],
];
const wholeNumbers: Column["values"] = [
  ["0", 0],
  ["-7", -7],
  ["9007199254740991", 9007199254740991],
  ["NULL", undefined],
];
const decimals: Column["values"] = [
  ["12.50", 12.5],
  ["-0.001", -0.001],
  ["100", 100],
];
const booleans: Column["values"] = [
  ["TRUE", true],
  ["FALSE", false],
  ["NULL", undefined],
];
const uuid = "0190163d-8694-739b-aea5-966c26f8ad91";

const columnsOf: Readonly<Record<DatabaseKind, readonly Column[]>> = {
  sqlite: [
    { type: "TEXT", values: texts },
    { type: "VARCHAR(100)", values: texts },
    { type: "INTEGER", values: wholeNumbers },
    { type: "REAL", values: [...decimals, ["1e300", 1e300]] },
    { type: "DECIMAL(10,3)", values: decimals },
    { type: "BOOLEAN", values: booleans },
  ],
  postgres: [
    { type: "text", values: texts },
    { type: "varchar(100)", values: texts },
    { type: "bigint", values: wholeNumbers },
    { type: "numeric(10,3)", values: decimals },
    { type: "double precision", values: [...decimals, ["0.1", 0.1], ["1e300", 1e300]] },
    { type: "boolean", values: booleans },
    { type: "uuid", values: [[`'${uuid}'`, uuid]] },
    { type: "plan", values: [["'gold'", "gold"]] },
  ],
  mysql: [
    { type: "text CHARACTER SET utf8mb4", values: texts },
    { type: "bigint", values: wholeNumbers },
    { type: "decimal(10,3)", values: decimals },
    { type: "double", values: [...decimals, ["0.1", 0.1]] },
    { type: "float", values: [...wholeNumbers.slice(0, 2), ["1234567.75", 1234567.75]] },
    { type: "boolean", values: booleans },
    { type: "bit(1)", values: [...booleans, ["b'1'", true]] },
    { type: "bit(8)", values: [["b'101'", 5]] },
    { type: "tinyint unsigned", values: [["200", 200]] },
    { type: "uuid", values: [[`'${uuid}'`, uuid]] },
    { type: "enum('gold','silver')", values: [["'gold'", "gold"]] },
  ],
};

const refusedTypes: Readonly<Record<DatabaseKind, readonly string[]>> = {
  sqlite: ["BLOB"],
  postgres: ["timestamptz", "jsonb", "bytea", "text[]"],
  mysql: ["datetime", "json", "varbinary(10)", "set('a','b')"],
};

/** Begins every table; the login ids do not matter here. */
const loginIdType: Readonly<Record<DatabaseKind, string>> = {
  sqlite: "TEXT",
  postgres: "varchar(320)",
  mysql: "varchar(191) CHARACTER SET utf8mb4",
};

function describeColumns(open: () => Promise<TestDatabase>): void {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open();
  });
  afterEach(async () => {
    await database.closeDirectories();
    await database.run("DROP TABLE accounts");
  });
  afterAll(() => database[Symbol.asyncDispose]());

  /** The table `accounts` with further columns, and a row for `ann` with these literals in them. */
  async function createAccounts(definitions: readonly string[], literals: readonly string[] = []) {
    const { kind, quote, run } = database;
    const own = `email ${loginIdType[kind]} NOT NULL UNIQUE, ${quote("ownIdData")} text`;
    await run(`CREATE TABLE accounts (${[own, ...definitions].join(", ")})`);
    if (literals.length === definitions.length)
      await run(`INSERT INTO accounts VALUES (${["'ann'", "'data'", ...literals].join(", ")})`);
  }

  const reading = (session: TableNames["session"]) => database.directory({ ...accounts, session });

  async function tokenOf(session: NonNullable<TableNames["session"]>) {
    const directory = reading(session);
    await directory.verifyConnection();
    const { subject: subjectColumn, claims } = session;
    return subjectOf(await directory.findForSession("ann"), { subjectColumn, claims });
  }

  test("become claims of their own type, and none where they are NULL", async () => {
    const cases = columnsOf[database.kind].flatMap(({ type, values }) =>
      values.map(([literal, value]) => ({ type, literal, value })),
    );
    const definitions = cases.map(({ type }, index) => `c${index} ${type}`);
    await createAccounts(
      definitions,
      cases.map(({ literal }) => literal),
    );
    const claims = cases.map((_, index) => ({ claim: `claim${index}`, column: `c${index}` }));
    const token = await tokenOf({ subject: null, claims });
    const expected = cases.flatMap(({ value }, index) =>
      value === undefined ? [] : [[`claim${index}`, value]],
    );
    expect(token).toEqual({ subject: "ann", claims: Object.fromEntries(expected) });
  });

  test("come with the rest of the row, whatever they are called", async () => {
    const names = ["unfit", "readId", "session0", "__proto__", "Größe $1 .-"];
    await createAccounts(
      names.map((name) => `${database.quote(name)} ${loginIdType[database.kind]}`),
      names.map((_, index) => `'value ${index}'`),
    );
    const claims = names.map((column, index) => ({ claim: `claim${index}`, column }));
    const directory = reading({ subject: "unfit", claims });
    expect(await problemsOf(directory)).toEqual([
      expect.stringContaining('SESSION_SUBJECT_COLUMN: column "unfit" is not unique'),
    ]);
    await database.run(`CREATE UNIQUE INDEX by_subject ON accounts (${database.quote("unfit")})`);
    await directory.verifyConnection();
    const { columns, ...user } = await directory.findForSession("ann");
    expect(user).toMatchObject({ loginId: "ann", ownIdData: "data", blocked: false });
    expect([...columns]).toEqual(
      names.map((name, index) => [name, { kind: "text", text: `value ${index}` }]),
    );
    expect(await outcomeOf(directory.findForSession("bob"))).toBe("ERR_USER_UNKNOWN");
  });

  test("give a numeric subject to its last digit", async () => {
    await createAccounts(["id bigint NOT NULL UNIQUE"], ["9007199254740993"]);
    const directory = reading({ subject: "id", claims: [] });
    await directory.verifyConnection();
    const user = await directory.findForSession("ann");
    expect(subjectOf(user, { subjectColumn: "id", claims: [] }).subject).toBe("9007199254740993");
    const claims = [{ claim: "uid", column: "id" }];
    expect(() => subjectOf(user, { subjectColumn: null, claims })).toThrow(
      'column "id" of SESSION_CLAIMS holds a number that JSON cannot carry exactly',
    );
  });

  test("are refused at the start where they are missing, of another type, or no unique subject", async () => {
    const types = refusedTypes[database.kind];
    await createAccounts([
      ...types.map((type, index) => `c${index} ${type}`),
      "plan_name text",
      "tenant int",
    ]);
    const claims = [
      ...types.map((_, index) => ({ claim: `claim${index}`, column: `c${index}` })),
      { claim: "plan", column: "planName" },
    ];
    const problems = await problemsOf(reading({ subject: "tenant", claims }));
    const claimed = types.map((_, index) => `claim${index}:c${index}`).join(",");
    expect(problems.map((problem) => problem.split("\n")[0])).toEqual([
      'SESSION_SUBJECT_COLUMN: column "tenant" is not unique, so one subject could mean two users.',
      ...types.map((_, index) => expect.stringContaining(`SESSION_CLAIMS: column "c${index}" is `)),
      expect.stringContaining('SESSION_CLAIMS: table "accounts" has no column "planName"'),
    ]);
    expect(problems.at(-1)).toContain(`SESSION_CLAIMS=${claimed},plan:plan_name`);
  });

  test("take the primary key for a unique subject", async () => {
    await createAccounts(["id INTEGER PRIMARY KEY"], ["42"]);
    expect(await tokenOf({ subject: "id", claims: [{ claim: "uid", column: "id" }] })).toEqual({
      subject: "42",
      claims: { uid: 42 },
    });
  });
}

describe("the columns that sessions read", () => {
  describe("in SQLite", () => describeColumns(async () => createSqliteFile()));

  test("are not taken for texts in SQLite where they hold a BLOB, which UNIQUE tells from the same text", async () => {
    await using database = createSqliteFile();
    await database.run("CREATE TABLE accounts (email TEXT UNIQUE, ownIdData TEXT, id TEXT UNIQUE)");
    await database.run("INSERT INTO accounts VALUES ('ann', '', '7'), ('bob', '', CAST('7' AS BLOB))");
    const directory = database.directory({ ...accounts, session: { subject: "id", claims: [] } });
    await directory.verifyConnection();
    expect((await directory.findForSession("ann")).columns.get("id")?.text).toBe("7");
    expect(await outcomeOf(directory.findForSession("bob"))).toBe("ERR_DATABASE_UNAVAILABLE");
  });

  describeWith("postgres", "in Postgres", () => {
    describe("of a table", () =>
      describeColumns(async () => {
        const url = await (await sharedPostgres()).createDatabase("session_columns");
        const database = openTestDatabase({ kind: "postgres", url });
        await database.run("CREATE TYPE plan AS ENUM ('gold', 'silver')");
        return database;
      }));

    test("are named in the GRANT that the start prints", async () => {
      const siteUrl = await (await sharedPostgres()).createDatabase("session_grants");
      const url = withAccount(siteUrl, "reader", "of the reader");
      await using database = openTestDatabase({ kind: "postgres", url, siteUrl });
      await database.run("CREATE ROLE reader LOGIN PASSWORD 'of the reader'");
      await expectGrant(database);
    });
  });

  describeWith("mariadb", "in MariaDB", () => {
    describe("of a table", () =>
      describeColumns(async () => {
        const url = await (await sharedMariadb()).createDatabase("session_columns");
        return openTestDatabase({ kind: "mysql", url });
      }));

    test("are named in the GRANT that the start prints", async () => {
      const siteUrl = await (await sharedMariadb()).createDatabase("session_grants");
      const url = withAccount(siteUrl, "reader", "of the reader");
      await using database = openTestDatabase({ kind: "mysql", url, siteUrl });
      await database.run("CREATE USER 'reader'@'127.0.0.1' IDENTIFIED BY 'of the reader'");
      await expectGrant(database);
    });
  });
});

/** The account may do what lookups need. Following the advice gives it the rest. */
async function expectGrant(database: TestDatabase): Promise<void> {
  const { kind, quote, run } = database;
  const role = kind === "postgres" ? "reader" : "'reader'@'127.0.0.1'";
  await run(
    `CREATE TABLE accounts (email ${loginIdType[kind]} UNIQUE, ${quote("ownIdData")} text, id int UNIQUE, plan text)`,
  );
  await run(
    `GRANT SELECT (email, ${quote("ownIdData")}), UPDATE (${quote("ownIdData")}) ON accounts TO ${role}`,
  );
  const session = { subject: "id", claims: [{ claim: "plan", column: "plan" }] };
  const directory = database.directory({ ...accounts, session });
  const problems = await problemsOf(directory);
  const grants = problems.flatMap((problem) => /GRANT .*(?=;)/.exec(problem)?.[0] ?? []);
  expect(grants[0]).toContain(`SELECT (${["email", "ownIdData", "id", "plan"].map(quote).join(", ")})`);
  await run(grants[0] ?? "");
  expect(await problemsOf(directory)).toEqual([]);
}
