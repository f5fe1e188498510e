import { Database } from "bun:sqlite";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SQL } from "bun";
import { Cluster, Redis } from "ioredis";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { createPatience } from "../../scripts/sync/patience.ts";
import { openRedisPopulation } from "../../scripts/sync/population.ts";
import { createSqlUserScan } from "../../scripts/sync/sql-user-scan.ts";
import type { OwnIdDataStore } from "../../src/coherence/ownid-data-store.ts";
import { createWriteThrough } from "../../src/coherence/write-through.ts";
import type { DatabaseKind } from "../../src/config/database-address.ts";
import { installationOf } from "../../src/config/installation.ts";
import { withoutTls } from "./database-tls.ts";
import { asInstalled } from "./installed-runner.ts";
import { type OpenedStore, openStore, type RedisPlace, withRedis } from "./redis-places.ts";
import { openTestDatabase, type TestDatabase } from "./test-database.ts";

/** A site with many users whose hashes `bun run sync` keeps equal to their rows. */
export type SyncedSite = Awaited<ReturnType<typeof createSyncedSite>>;

export interface SyncedSiteOptions {
  readonly kind: DatabaseKind;
  /** The URL of an empty database. For SQLite, a file is created. */
  readonly databaseUrl?: string;
  readonly place: RedisPlace;
  readonly users: number;
  /** Whether Redis has been known for an hour, so that nothing waits for the grace. */
  readonly isGraceOver?: boolean;
}

export type SyncProcess = Bun.Subprocess<"ignore", "pipe", "pipe">;

export interface SyncEnd {
  readonly exit: number | string;
  readonly stdout: string;
  readonly stderr: string;
  /** The summary of `--json`, or empty without `--json`. */
  readonly summary: Readonly<Record<string, unknown>>;
}

const command = join(import.meta.dir, "../../scripts/sync/index.ts");
const statementMs = 1000;
const graceMs = 3001;
const times = { limits: { ttlMs: 600_000, tokenMs: 5000, quarantineMs: 30_000 }, graceMs };
const names = {
  table: "users",
  loginIdColumn: "email",
  ownIdDataColumn: "ownIdData",
  blockedColumn: null,
  session: null,
};

/** One user in ten has no data. Postgres has no built-in collation that ignores case. */
const definitions: Record<DatabaseKind, (users: number) => readonly string[]> = {
  sqlite: (users) => [
    "CREATE TABLE users (email TEXT COLLATE NOCASE NOT NULL UNIQUE, ownIdData TEXT)",
    `INSERT INTO users WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${users})
     SELECT 'user' || i || '@example.com', CASE WHEN i % 10 > 0 THEN 'data of ' || i || ' 😀' END FROM n`,
  ],
  postgres: (users) => [
    'CREATE TABLE users (email varchar(320) NOT NULL UNIQUE, "ownIdData" text)',
    `INSERT INTO users SELECT 'user' || i || '@example.com', CASE WHEN i % 10 > 0 THEN 'data of ' || i || ' 😀' END
     FROM generate_series(1, ${users}) i`,
  ],
  mysql: (users) => [
    "CREATE TABLE users (email varchar(320) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL UNIQUE, ownIdData text CHARACTER SET utf8mb4)",
    `INSERT INTO users SELECT concat('user', seq, '@example.com'), if(seq % 10 > 0, concat('data of ', seq, ' 😀'), NULL)
     FROM seq_1_to_${users}`,
  ],
};

export const loginIdOf = (number: number) => `user${number}@example.com`;

/** Creates the table in an empty database. The keys have their own prefix. */
export async function createSyncedSite(options: SyncedSiteOptions) {
  const { kind, databaseUrl, place, users, isGraceOver = false } = options;
  const folder = temporaryFolder();
  const url = databaseUrl ?? createFile(folder.at("users.db"));
  const database = openTestDatabase({ kind, url });
  for (const statement of definitions[kind](users)) await database.run(statement);
  const installation = installationOf({ kind, url, names });
  const keyPrefix = `test:${crypto.randomUUID()}:`;
  if (isGraceOver) await ageEpochs(place, keyPrefix, installation);
  const store = openStore(place, { ...times, installation, keyPrefix });
  const sidecars: OpenedStore[] = [];
  const client = connect(place);
  const environment = {
    PATH: process.env.PATH ?? "",
    DATABASE_URL: kind === "sqlite" ? `sqlite:${url}` : url,
    REDIS_URL: place.connection.nodes.map(({ host, port }) => `redis://${host}:${port}`).join(","),
    REDIS_MODE: place.connection.mode,
    REDIS_KEY_PREFIX: store.keyPrefix,
    REDIS_TTL_SECONDS: "600",
    COHERENCE_STATEMENT_MS: String(statementMs),
    COHERENCE_GRACE_MS: String(graceMs),
  };

  function spawn(args: readonly string[], changes: Readonly<Record<string, string>> = {}): SyncProcess {
    return Bun.spawn([process.execPath, command, ...args], {
      cwd: folder.path,
      env: { ...environment, ...changes },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
  }

  return {
    kind,
    users,
    database,
    store,
    /** Creates another sidecar's store over the database and Redis, ready to fill. */
    async sidecar(): Promise<OwnIdDataStore> {
      const own = openStore(place, { ...times, installation, keyPrefix: store.keyPrefix });
      sidecars.push(own);
      const directory = database.directory(names);
      await Promise.all([directory.verifyConnection(), own.filling()]);
      return createWriteThrough({
        directory,
        hotCopy: own.hotCopy,
        statementMs,
        auditShare: 0,
        onEvent: () => {},
      });
    },

    /** Opens what the command itself uses. */
    openSides() {
      const patience = createPatience(10_000, new AbortController().signal);
      const scan = createSqlUserScan({
        kind,
        url,
        names,
        statementMs,
        poolMax: 2,
        prepare: true,
        tls: withoutTls,
      });
      const population = openRedisPopulation({
        connection: place.connection,
        keyPrefix: store.keyPrefix,
        installation,
        ...times,
        patience,
      });
      return {
        scan,
        population,
        patience,
        statementMs,
        directory: database.directory(names),
        async [Symbol.asyncDispose]() {
          population.close();
          await scan.close();
        },
      };
    },

    keyOf: (loginId: string) => `${store.keyPrefix}user:${loginId}`,
    spawn,

    /** Runs the command to its end. */
    sync: async (args: readonly string[], changes?: Readonly<Record<string, string>>) =>
      endOf(spawn(args, changes)),

    /** Returns a path in the folder in which the commands run. */
    at: folder.at,

    /** Returns what the commands store under ./data, or `null`. */
    kept(name: string): string | null {
      const path = folder.at(`data/${name}`);
      return existsSync(path) ? readFileSync(path, "utf8") : null;
    },

    /** Returns every user's data in the table. */
    rows: () => rowsOf(database),

    /** Returns the value in every hash that has one. */
    hashes: () => hashesOf(place, `${store.keyPrefix}user:`),

    /** Changes a row like a site that does not announce it. */
    async alterRow(loginId: string, ownIdData: string | null): Promise<void> {
      const [data, email] =
        kind === "postgres" ? ['"ownIdData" = $1', "email = $2"] : ["ownIdData = ?", "email = ?"];
      await database.run(`UPDATE users SET ${data} WHERE ${email}`, [ownIdData, loginId]);
    },

    /** Writes a value into a hash in such a way that every sidecar believes it. */
    async alterHash(loginId: string, value: string): Promise<void> {
      await store.hotCopy.read(loginId);
      const key = `${store.keyPrefix}user:${loginId}`;
      await client.hset(key, "v", value);
      await client.persist(key);
    },

    client,
    statementMs,

    /** Locks a row, or all rows in SQLite, in a separate transaction. */
    lockRow: (loginId: string) => lockRow(kind, url, loginId),

    async [Symbol.asyncDispose]() {
      client.disconnect();
      await Promise.all([store, ...sidecars, database].map((side) => side[Symbol.asyncDispose]()));
      folder[Symbol.dispose]();
    },
  };
}

/** Lets a sidecar record the epoch of Redis, and sets the time of the record back by an hour. */
async function ageEpochs(place: RedisPlace, keyPrefix: string, installation: string): Promise<void> {
  await using sidecar = openStore(place, { ...times, installation, keyPrefix });
  await sidecar.firstContact;
  for (const server of place.servers) {
    await withRedis(server, async (redis) => {
      for (const key of await redis.keys(`${keyPrefix}epoch:*`)) {
        await redis.set(key, Number(await redis.get(key)) - 3_600_000, "KEEPTTL");
      }
    });
  }
}

function createFile(path: string): string {
  const file = new Database(path, { create: true });
  file.run("PRAGMA journal_mode = WAL");
  file.close();
  return path;
}

export async function endOf(child: SyncProcess, errors = child.stderr): Promise<SyncEnd> {
  const printed = await Promise.all([child.stdout.text(), errors.text()]);
  const [stdout = "", stderr = ""] = printed.map(asInstalled);
  await child.exited;
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  const summary = last.startsWith("{") ? JSON.parse(last) : {};
  return { exit: child.signalCode ?? child.exitCode ?? "still running", stdout, stderr, summary };
}

function connect({ connection }: RedisPlace): Redis | Cluster {
  const [{ host, port }] = connection.nodes;
  return connection.mode === "cluster" ? new Cluster([{ host, port }]) : new Redis({ host, port });
}

async function lockRow(kind: DatabaseKind, url: string, loginId: string): Promise<AsyncDisposable> {
  const sql = kind === "sqlite" ? new SQL({ adapter: "sqlite", filename: url }) : new SQL(url, { max: 1 });
  await sql.unsafe(kind === "sqlite" ? "BEGIN IMMEDIATE" : "BEGIN");
  const email = kind === "postgres" ? "$1" : "?";
  if (kind !== "sqlite") await sql.unsafe(`SELECT 1 FROM users WHERE email = ${email} FOR UPDATE`, [loginId]);
  let isHeld = true;
  return {
    async [Symbol.asyncDispose]() {
      if (!isHeld) return;
      isHeld = false;
      await sql.unsafe("ROLLBACK");
      await sql.close();
    },
  };
}

async function rowsOf(database: TestDatabase): Promise<Map<string, string | null>> {
  const rows = await database.run(`SELECT email, ${database.quote("ownIdData")} AS data FROM users`);
  return new Map(rows.map(({ email, data }) => [String(email), data === null ? null : String(data)]));
}

async function hashesOf(place: RedisPlace, prefix: string): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  for (const server of place.servers) {
    await withRedis(server, async (redis) => {
      for await (const page of redis.scanStream({ match: `${prefix}*`, count: 1000 })) {
        const keys: string[] = page;
        const values = await Promise.all(keys.map((key) => redis.hget(key, "v")));
        for (const [index, key] of keys.entries()) {
          const value = values[index];
          if (typeof value === "string") hashes.set(key.slice(prefix.length), value);
        }
      }
    });
  }
  return hashes;
}

/** Returns the rows of users who have data, which is what the hashes hold after a warm. */
export function enrolled(rows: ReadonlyMap<string, string | null>): Map<string, string> {
  return new Map([...rows].flatMap(([loginId, data]) => (data ? [[loginId, data]] : [])));
}
