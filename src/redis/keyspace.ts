import { connectRedis, type RedisConnection } from "./connection.ts";
import { createRedisEpochs, type RedisEpochs } from "./epochs.ts";
import type { Explanation } from "./failures.ts";
import { createForgetAll } from "./forget-all.ts";
import { createKeys, type Keys } from "./keys.ts";
import type { RedisConnectionOptions } from "./options.ts";
import { scripts, speakFor } from "./scripts.ts";

export interface RedisKeyspaceOptions {
  readonly connection: RedisConnectionOptions;
  readonly keyPrefix: string;
  /** A digest, in hex, of the database and the table that the hashes belong to. */
  readonly installation: string;
  /** `COHERENCE_TOKEN_MS`: the lifetime of a hash that holds only a lease token. */
  readonly tokenMs: number;
  /** `COHERENCE_GRACE_MS`. */
  readonly graceMs: number;
}

/** One installation's keys in Redis, over one connection: what all adapters have in common. */
export interface RedisKeyspace extends Pick<RedisConnection, "client" | "seats" | "masters" | "masterOf"> {
  readonly keys: Keys;
  readonly epochs: RedisEpochs;
  /** Returns why no master answers, or why Redis refuses commands; `null` if neither is known to be so. */
  problem(): Explanation | null;
  close(): void;
}

/**
 * Opens the connection, which connects by itself and reconnects whenever it must. The epochs are not polled until
 * `epochs.start()` is called.
 */
export function openRedisKeyspace(options: RedisKeyspaceOptions): RedisKeyspace {
  const { installation, graceMs, tokenMs } = options;
  const connection = connectRedis(options.connection);
  const { client, seats, masters, masterOf } = connection;
  speakFor(installation, client);
  const keys = createKeys(options.keyPrefix);
  const epochs = createRedisEpochs({
    masters,
    recordEpoch: (key, keepMs) => scripts.recordEpoch(client, key, keepMs),
    forgetAll: createForgetAll({ client, keys, tokenMs }),
    keys,
    graceMs,
    mode: options.connection.mode,
    installation,
  });
  connection.onConnectionChange(epochs.forget);
  return {
    client,
    seats,
    masters,
    masterOf,
    keys,
    epochs,
    problem: () =>
      epochs.misplacement() ?? connection.lastProblem() ?? epochs.lastProblem() ?? epochs.refusal(),
    close() {
      epochs.stop();
      connection.close();
    },
  };
}
