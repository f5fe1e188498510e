import type { DatabaseKind } from "../../src/config/database-address.ts";
import type { TableNames } from "../../src/directory/dialects/dialect.ts";
import type { TestDatabase } from "../support/test-database.ts";

export interface Types {
  readonly loginId: string;
  readonly ownIdData: string;
  readonly blocked: string | null;
}

export interface User {
  readonly loginId: string;
  readonly ownIdData?: string | null;
  readonly blocked?: unknown;
}

const columns = { loginIdColumn: "E-Mail Address", ownIdDataColumn: "ownID.Data $1" };

export const typesOf: Record<DatabaseKind, Types & { caseless: string; limited: string }> = {
  sqlite: {
    loginId: "TEXT",
    caseless: "TEXT COLLATE NOCASE",
    ownIdData: "TEXT",
    limited: "VARCHAR(5000)",
    blocked: null,
  },
  postgres: {
    loginId: "varchar(320)",
    caseless: "citext",
    ownIdData: "text",
    limited: "varchar(5000)",
    blocked: null,
  },
  mysql: {
    loginId: "varchar(320) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    caseless: "varchar(320) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
    ownIdData: "text CHARACTER SET utf8mb4",
    limited: "varchar(5000) CHARACTER SET utf8mb4",
    blocked: null,
  },
};

export const blockedTypes: Record<DatabaseKind, readonly [type: string, no: unknown, yes: unknown][]> = {
  sqlite: [
    ["BOOLEAN", false, true],
    ["INTEGER", 0, 1],
  ],
  postgres: [
    ["boolean", false, true],
    ["smallint", 0, 1],
    ["integer", 0, 7],
    ["numeric(3)", 0, 1],
  ],
  mysql: [
    ["boolean", 0, 1],
    ["tinyint unsigned", 0, 1],
    ["int", 0, 7],
    ["decimal(3)", 0, 1],
  ],
};

export async function createTable(
  database: TestDatabase,
  users: readonly User[],
  changes: Partial<Types>,
  table = database.newTable(),
): Promise<TableNames> {
  const { quote } = database;
  const types = { ...typesOf[database.kind], ...changes };
  const names = {
    ...columns,
    table,
    blockedColumn: types.blocked === null ? null : "Is Blocked",
    session: null,
  };
  const [loginId, ownIdData, place] = [
    quote(names.loginIdColumn),
    quote(names.ownIdDataColumn),
    database.quoteTable(table),
  ];
  const blocked = types.blocked === null ? "" : `, ${quote("Is Blocked")} ${types.blocked}`;
  const definitions = `id INTEGER PRIMARY KEY, ${loginId} ${types.loginId} NOT NULL UNIQUE`;
  await database.run(`CREATE TABLE ${place} (${definitions}, ${ownIdData} ${types.ownIdData}${blocked})`);
  for (const [id, user] of users.entries()) {
    const row = [id, user.loginId, user.ownIdData ?? null, ...(blocked === "" ? [] : [user.blocked])];
    const marks = row.map((_, position) => (database.kind === "postgres" ? `$${position + 1}` : "?"));
    await database.run(`INSERT INTO ${place} VALUES (${marks.join(", ")})`, row);
  }
  return names;
}

/** Every row's login id and the bytes of its data, in the order of the login ids. */
export async function storedHex(database: TestDatabase, names: TableNames) {
  const ownIdData = database.quote(names.ownIdDataColumn);
  const hex =
    database.kind === "postgres"
      ? `encode(convert_to(${ownIdData}::text, 'UTF8'), 'hex')`
      : `hex(${ownIdData})`;
  const loginId = database.quote(names.loginIdColumn);
  const rows = await database.run(
    `SELECT ${loginId} AS "loginId", lower(CASE WHEN ${ownIdData} IS NOT NULL THEN ${hex} END) AS "bytes" FROM ${database.quoteTable(names.table)}`,
  );
  return rows.map((row) => [row.loginId, row.bytes]).sort();
}
