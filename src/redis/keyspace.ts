import { connectRedis, type RedisConnection } from "./connection.ts";
import { createRedisEpochs, type RedisEpochs } from "./epochs.ts";
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
export interface RedisKeyspace
  extends Pick<RedisConnection, "client" | "seats" | "masters" | "masterOf" | "lastProblem"> {
  readonly keys: Keys;
  readonly epochs: RedisEpochs;
  close(): void;
}

/**
 * Opens the connection, which connects by itself and reconnects whenever it must. The epochs are not polled until
 * `epochs.start()` is called.
 */
export function openRedisKeyspace(options: RedisKeyspaceOptions): RedisKeyspace {
  const { installation, graceMs, tokenMs } = options;
  const { client, masters, ...connection } = connectRedis(options.connection);
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
    ...connection,
    client,
    masters,
    keys,
    epochs,
    close() {
      epochs.stop();
      connection.close();
    },
  };
}
