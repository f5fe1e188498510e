import { SQL } from "bun";

/** The site's view of the user table: its users, and what was written to it, read without a sidecar. */
export interface Site extends AsyncDisposable {
  readonly loginIds: readonly string[];
  /** Another user, whom no load writes. It is used to check whether the sidecars work. */
  readonly probeLoginId: string;
  stored(loginId: string): Promise<string | null>;
  /** Returns every value that an UPDATE has written to the table, in order, as a trigger has recorded it. */
  written(): Promise<readonly Written[]>;
  /** Locks a user's row in a separate transaction until the returned function is called. */
  lockRow(loginId: string): Promise<() => Promise<void>>;
  run(statement: string): Promise<readonly Record<string, unknown>[]>;
}

export interface Written {
  readonly loginId: string;
  readonly value: string;
}

type SiteKind = "postgres" | "mariadb" | "sqlite";

/** The trigger records every value that an UPDATE has written to the table. */
const schemas: Record<SiteKind, readonly string[]> = {
  postgres: [
    'CREATE TABLE users (email text PRIMARY KEY, "ownIdData" text)',
    "CREATE TABLE written (seq bigserial PRIMARY KEY, email text NOT NULL, value text)",
    `CREATE FUNCTION note_written() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN INSERT INTO written (email, value) VALUES (NEW.email, NEW."ownIdData"); RETURN NULL; END $$`,
    "CREATE TRIGGER note_written AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note_written()",
  ],
  mariadb: [
    "CREATE TABLE users (email varchar(320) PRIMARY KEY, ownIdData text)",
    "CREATE TABLE written (seq bigint AUTO_INCREMENT PRIMARY KEY, email text NOT NULL, value text)",
    `CREATE TRIGGER note_written AFTER UPDATE ON users FOR EACH ROW
       INSERT INTO written (email, value) VALUES (NEW.email, NEW.ownIdData)`,
  ],
  sqlite: [
    "CREATE TABLE users (email TEXT PRIMARY KEY, ownIdData TEXT)",
    "CREATE TABLE written (seq INTEGER PRIMARY KEY, email TEXT NOT NULL, value TEXT)",
    `CREATE TRIGGER note_written AFTER UPDATE ON users
       BEGIN INSERT INTO written (email, value) VALUES (NEW.email, NEW.ownIdData); END`,
  ],
};

export interface SiteOptions {
  readonly kind: SiteKind;
  /** Opens one connection of the site to the current primary. */
  readonly connect: () => SQL;
  readonly users: number;
}

/** Creates the tables in an empty Postgres database, and users without data. */
export function createSite(databaseUrl: string, users: number): Promise<Site> {
  const connect = () => new SQL(databaseUrl, { max: 1, connectionTimeout: 2, idleTimeout: 0 });
  return createSiteOf({ kind: "postgres", connect, users });
}

/** Does the same in an empty database of any kind. */
export async function createSiteOf({ kind, connect, users }: SiteOptions): Promise<Site> {
  const sql = connect();
  const data = kind === "postgres" ? '"ownIdData"' : "ownIdData";
  for (const statement of schemas[kind]) await sql.unsafe(statement);
  const loginIds = Array.from({ length: users }, (_, number) => `user${number}@testmail.com`);
  const probeLoginId = "probe@testmail.com";
  for (const loginId of [...loginIds, probeLoginId]) await sql`INSERT INTO users (email) VALUES (${loginId})`;

  return {
    loginIds,
    probeLoginId,
    async stored(loginId) {
      const [row] = await retry(
        () => sql`SELECT ${sql.unsafe(data)} AS value FROM users WHERE email = ${loginId}`,
      );
      return row?.value ?? null;
    },
    async written() {
      const rows = await retry(() => sql`SELECT email, value FROM written ORDER BY seq`);
      return rows.map((row: Record<string, unknown>) => ({
        loginId: String(row.email),
        value: String(row.value),
      }));
    },
    lockRow: (loginId) => lockRow(connect(), loginId),
    run: (statement) => retry(() => sql.unsafe(statement)),
    [Symbol.asyncDispose]: () => sql.close(),
  };
}

async function lockRow(sql: SQL, loginId: string): Promise<() => Promise<void>> {
  const locked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const transaction = sql.begin(async (tx) => {
    await tx`SELECT 1 FROM users WHERE email = ${loginId} FOR UPDATE`;
    locked.resolve();
    await released.promise;
  });
  await Promise.race([locked.promise, transaction]);
  return async () => {
    released.resolve();
    await transaction;
    await sql.close();
  };
}

/** Repeats a query. After a server was killed, the first use of the old connection fails. */
async function retry<Value>(ask: () => Promise<Value>): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      if (attempt === 10) throw error;
      await Bun.sleep(100);
    }
  }
}
