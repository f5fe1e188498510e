import { join } from "node:path";
import { SQL } from "bun";
import { Redis } from "ioredis";
import { createSigningKeys } from "../../src/sessions/signing-keys.ts";
import { startPostgres } from "../servers/postgres-server.ts";
import { startRedis } from "../servers/redis-server.ts";
import { runForOutput, withEnvironment } from "../servers/run-for-output.ts";
import { temporaryFolder } from "../servers/temporary-folder.ts";
import { loginIdOf, ownIdDataOf, type UserKind } from "./population.ts";

export interface SiteOptions {
  readonly users: Readonly<Record<UserKind, number>>;
  /**
   * COHERENCE_STATEMENT_MS, from which the grace is derived. A smaller value shortens the start. If it is not given,
   * the default applies.
   */
  readonly statementMs?: number;
}

/** A site with its users, the same for every contender: one real Redis and one real Postgres. */
export interface Site extends AsyncDisposable {
  readonly users: Readonly<Record<UserKind, number>>;
  readonly sharedSecret: Uint8Array;
  readonly keysFile: string;
  /** The settings for a contender, under the sidecar's names: the servers, the secret and the signing keys. */
  readonly environment: Readonly<Record<string, string>>;
  readonly sql: SQL;
  readonly redis: Redis;
  /**
   * Restores the initial state after a load, so that each load finds the same site. Removes everything from Redis except
   * the warm hashes and the sidecars' records, removes dead rows from Postgres, and makes a checkpoint so that none falls
   * into the next load.
   */
  restore(): Promise<void>;
}

export const keyPrefix = "ownid:";

/** Tests turn `fsync` off. Here, dead rows are removed between the runs and not during one. */
const durable = { fsync: "on", autovacuum: "off" };

/** A short grace, so that `sync warm` can begin to fill soon. Nobody else writes at that time. */
const warmStatementMs = 500;

function coherence(statementMs: number): Record<string, string> {
  const graceMs = String(2 * statementMs + 1100);
  return {
    COHERENCE_STATEMENT_MS: String(statementMs),
    COHERENCE_GRACE_MS: graceMs,
    COHERENCE_QUARANTINE_MS: graceMs,
  };
}

/**
 * Starts the servers, creates the users and fills the hashes of all but the cold ones with `sync warm`. Unlike in
 * tests, Postgres makes every commit durable.
 */
export async function startSite({ users, statementMs }: SiteOptions): Promise<Site> {
  await using stack = new AsyncDisposableStack();
  const postgres = stack.use(await startPostgres({ settings: { ...durable, max_connections: "50" } }));
  const server = stack.use(await startRedis());
  const folder = stack.use(temporaryFolder());
  const sql = stack.adopt(new SQL(postgres.url(), { max: 1, idleTimeout: 0 }), (open) => open.close());
  const redis = stack.adopt(new Redis(server.url()), (open) => open.disconnect());

  const keysFile = folder.at("session-keys.json");
  await createSigningKeys(keysFile);
  const sharedSecret = crypto.getRandomValues(new Uint8Array(32));
  const environment = {
    OWNID_SHARED_SECRET: Buffer.from(sharedSecret).toString("base64"),
    SESSION_KEYS_FILE: keysFile,
    DATABASE_URL: postgres.url(),
    REDIS_URL: server.url(),
    REDIS_KEY_PREFIX: keyPrefix,
    ...(statementMs === undefined ? {} : coherence(statementMs)),
  };

  await sql.unsafe('CREATE TABLE users (email text PRIMARY KEY, "ownIdData" text)');
  await insertUsers(sql, "user", users.user);
  await insertUsers(sql, "writer", users.writer);
  await warm(folder.path, environment);
  await insertUsers(sql, "unhashed", users.unhashed);
  await insertUsers(sql, "cold", users.cold);
  await sql.unsafe("VACUUM ANALYZE users");

  const rest = stack.move();
  return {
    users,
    sharedSecret,
    keysFile,
    environment,
    sql,
    redis,
    async restore() {
      await removeAllButWarm(redis);
      await sql.unsafe("VACUUM users");
      await sql.unsafe("CHECKPOINT");
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

/**
 * The warm hashes, and what sidecars have recorded: since when each epoch is known, and each master's revocations. Without
 * the latter, every session reads the row twice in the first seconds, as after a restart of Redis.
 */
const keysToKeep = new RegExp(`^${keyPrefix}(?:user:(?:user|writer)\\d+@|epoch:|revoked-before-all:)`);

async function removeAllButWarm(redis: Redis): Promise<void> {
  for await (const found of redis.scanStream({ count: 5000 })) {
    const keys: string[] = found;
    const left = keys.filter((key) => !keysToKeep.test(key));
    if (left.length > 0) await redis.unlink(...left);
  }
}

async function insertUsers(sql: SQL, kind: UserKind, count: number): Promise<void> {
  const loginIds = Array.from({ length: count }, (_, number) => loginIdOf(kind, number));
  for (const some of pagesOf(loginIds)) {
    const rows = some.map((email) => ({ email, data: ownIdDataOf(email) }));
    await sql.unsafe(
      "INSERT INTO users SELECT email, data FROM json_to_recordset($1::json) AS r(email text, data text)",
      [rows],
    );
  }
}

async function warm(cwd: string, environment: Readonly<Record<string, string>>): Promise<void> {
  const command = join(import.meta.dir, "../sync/index.ts");
  const settings = { PATH: process.env.PATH ?? "", ...environment, ...coherence(warmStatementMs) };
  await runForOutput(withEnvironment(settings, [process.execPath, command, "warm", "--json"]), { cwd });
}

const pageSize = 5000;

function pagesOf<Item>(items: readonly Item[]): Item[][] {
  const pages = Math.ceil(items.length / pageSize);
  return Array.from({ length: pages }, (_, page) => items.slice(page * pageSize, (page + 1) * pageSize));
}
