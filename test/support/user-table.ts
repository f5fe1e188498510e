import { Database } from "bun:sqlite";
import type { TableNames } from "../../src/directory/dialects/dialect.ts";

export interface User {
  readonly email: string;
  readonly ownIdData?: string | null;
  readonly blocked?: boolean;
}

/** The names in the table that `createUsers` creates. */
export const userTableNames: TableNames = {
  table: "users",
  loginIdColumn: "email",
  ownIdDataColumn: "ownIdData",
  blockedColumn: "blocked",
  session: null,
};

export type UserTable = ReturnType<typeof createUsers>;

/**
 * Creates a site's SQLite file with a table `users`, which tests read and change without the sidecar, as a site does.
 */
export function createUsers(path: string, users: readonly User[], collation: "BINARY" | "NOCASE" = "BINARY") {
  const database = new Database(path, { create: true, strict: true });
  database.run("PRAGMA journal_mode = WAL");
  database.run(
    `CREATE TABLE users (email TEXT COLLATE ${collation} NOT NULL UNIQUE, ownIdData TEXT,
                         blocked INTEGER NOT NULL DEFAULT 0)`,
  );

  function insert({ email, ownIdData = null, blocked = false }: User): void {
    database
      .query("INSERT INTO users (email, ownIdData, blocked) VALUES (?, ?, ?)")
      .run(email, ownIdData, blocked ? 1 : 0);
  }

  function read(email: string): string | null {
    const query = database.query<{ ownIdData: string | null }, [string]>(
      "SELECT ownIdData FROM users WHERE email = ?",
    );
    const row = query.get(email);
    if (row === null) throw new Error("no such user");
    return row.ownIdData;
  }

  for (const user of users) insert(user);
  return {
    insert,
    read,
    write: (email: string, ownIdData: string | null) =>
      void database.query("UPDATE users SET ownIdData = ? WHERE email = ?").run(ownIdData, email),
    rename: (email: string, newEmail: string) =>
      void database.query("UPDATE users SET email = ? WHERE email = ?").run(newEmail, email),
    block: (email: string) => void database.query("UPDATE users SET blocked = 1 WHERE email = ?").run(email),
    remove: (email: string) => void database.query("DELETE FROM users WHERE email = ?").run(email),
    /** Runs a statement with its values, as the site would. */
    change: (sql: string, values: readonly (string | null)[]) => void database.query(sql).run(...values),
    /** Runs a statement for triggers and other parts of the site's schema. */
    run: (sql: string) => void database.run(sql),
    count: () => database.query<{ count: number }, []>("SELECT count(*) AS count FROM users").get()?.count,
    close: () => database.close(),
  };
}
