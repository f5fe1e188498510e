import { createHash } from "node:crypto";
import type { UserDirectory } from "../../src/coherence/user-directory.ts";
import { type Config, loadConfig } from "../../src/config/load-config.ts";
import { createSqlDirectory } from "../../src/directory/sql-directory.ts";
import { ConfigurationInvalid } from "../../src/errors.ts";
import { commandEnvironment } from "../command-environment.ts";
import type { Patience } from "./patience.ts";
import { openRedisPopulation, type RedisPopulation } from "./population.ts";
import { createSqlUserScan } from "./sql-user-scan.ts";
import type { UserScan } from "./user-scan.ts";

/** How long a command waits for the first answer of each side. It is short, since the address may be wrong. */
const firstContactMs = 5000;

/** The two sides that should be equal, and what distinguishes them from others. */
export interface Sides extends AsyncDisposable {
  readonly directory: UserDirectory;
  readonly scan: UserScan;
  readonly population: RedisPopulation;
  /** With it, commands wait for a side that does not answer. The directory and the scan do not wait by themselves. */
  readonly patience: Patience;
  /** `COHERENCE_STATEMENT_MS`. */
  readonly statementMs: number;
  /** `REDIS_TTL_SECONDS` in milliseconds; 0 keeps values. */
  readonly ttlMs: number;
  /** A digest of the table's address and of the prefix of the keys. The password of the database is not part of it. */
  readonly place: string;
}

/**
 * Connects to both sides with the sidecar's own configuration.
 *
 * @throws {ConfigurationInvalid} no Redis is configured, the table is not suitable, or the keys belong to another
 * installation
 * @throws {DatabaseUnavailable} | {HotCopyUnavailable} a side does not answer
 */
export async function openSides(keep: boolean, patience: Patience): Promise<Sides> {
  const config = loadConfig(commandEnvironment(), () => new Uint8Array(32));
  if (config.redis === null) {
    throw new ConfigurationInvalid([
      "REDIS_URL is not set: without Redis there are no hashes to compare with the user table.",
    ]);
  }
  const ttlMs = keep ? 0 : config.coherence.ttlMs;
  const population = openRedisPopulation({
    connection: config.redis.connection.reveal(),
    keyPrefix: config.redis.keyPrefix,
    installation: config.installation,
    limits: { ...config.coherence, ttlMs },
    graceMs: config.coherence.graceMs,
    patience,
  });
  const { statementMs } = config.coherence;
  const { url, tls } = config.database;
  const database = { ...config.database, url: url.reveal(), tls: tls.reveal(), statementMs };
  const directory = createSqlDirectory(database);
  const scan = createSqlUserScan(database);
  const close = async () => {
    population.close();
    await Promise.all([directory.close(), scan.close()]);
  };
  try {
    const connect = (side: Pick<UserDirectory, "verifyConnection">) =>
      patience.retry(side.verifyConnection, firstContactMs);
    await Promise.all([directory, population].map(connect));
    await refuseOthersKeys(population);
  } catch (error) {
    await close();
    throw error;
  }
  const place = placeOf(config, config.redis.keyPrefix);
  return { directory, scan, population, patience, statementMs, ttlMs, place, [Symbol.asyncDispose]: close };
}

/** No sidecar would use what is filled there, and none of the hashes there would be compared. */
async function refuseOthersKeys(population: RedisPopulation): Promise<void> {
  const conflict = await population.conflict();
  if (conflict === null) return;
  throw new ConfigurationInvalid([`REDIS_KEY_PREFIX: ${conflict.reason}: ${conflict.fix}`]);
}

function placeOf({ database }: Config, keyPrefix: string): string {
  const { kind, names } = database;
  const url = database.url.reveal();
  const address = kind === "sqlite" ? url : withoutCredentials(url);
  const place = [address, names.table, names.loginIdColumn, names.ownIdDataColumn, keyPrefix];
  return createHash("sha256").update(JSON.stringify(place)).digest("hex");
}

function withoutCredentials(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
