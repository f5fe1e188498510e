import { connectRedis, type RedisConnection } from "./connection.ts";
import { createRedisEpochs, type RedisEpochs } from "./epochs.ts";
import { createKeys, type Keys } from "./keys.ts";
import type { RedisConnectionOptions } from "./options.ts";
import { createForgetting } from "./return.ts";
import { scripts, speakFor } from "./scripts.ts";

export interface RedisKeyspaceOptions {
  readonly connection: RedisConnectionOptions;
  readonly keyPrefix: string;
  /** Which database and table the hashes belong to, in hex. */
  readonly installation: string;
  /** How long a hash lives that holds only a token, in milliseconds. */
  readonly tokenLifeMs: number;
  /** G, in milliseconds. */
  readonly graceMs: number;
}

/** One installation's keys in Redis, over one connection: everything that its adapters have in common. */
export interface RedisKeyspace
  extends Pick<RedisConnection, "client" | "seats" | "masters" | "masterOf" | "lastProblem"> {
  readonly keys: Keys;
  readonly epochs: RedisEpochs;
  close(): void;
}

/**
 * Opens the connection, which connects by itself and reconnects whenever it must. Nobody asks for the epochs before
 * `epochs.start()` is called.
 */
export function openRedisKeyspace(options: RedisKeyspaceOptions): RedisKeyspace {
  const { installation, graceMs, tokenLifeMs } = options;
  const { client, masters, ...connection } = connectRedis(options.connection);
  speakFor(installation, client);
  const keys = createKeys(options.keyPrefix);
  const epochs = createRedisEpochs({
    masters,
    recordEpoch: (key, keepMs) => scripts.recordEpoch(client, key, keepMs),
    forgetAll: createForgetting({ client, keys, tokenLifeMs }),
    keys,
    graceMs,
    mode: options.connection.mode,
    installation,
  });
  connection.onDisturbance(epochs.disturb);
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
