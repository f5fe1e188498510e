import type { Cluster, Redis } from "ioredis";
import type { Keys } from "./keys.ts";
import { scripts } from "./scripts.ts";

interface RedisReturnOptions {
  readonly client: Redis | Cluster;
  readonly keys: Keys;
  /** `COHERENCE_TOKEN_MS`: the lifetime of a hash that holds only a lease token. */
  readonly tokenMs: number;
}

const scanCount = 1000;

/**
 * Creates a function for a Redis whose address has led to another server in between, although it has not restarted.
 * Meanwhile, users were written and sessions revoked elsewhere. The function removes every value that this Redis
 * holds and starts its record of revocations anew. Markers stay. If it rejects, some values may have been removed.
 */
export function createForgetting({ client, keys, tokenMs }: RedisReturnOptions) {
  return async (master: Redis): Promise<void> => {
    await client.set(keys.revokedBeforeAll(0), "");
    for await (const found of master.scanStream({ match: keys.everyUser, count: scanCount })) {
      const hashes: string[] = found;
      await Promise.all(hashes.map((key) => scripts.purgeHash(client, key, crypto.randomUUID(), tokenMs)));
    }
  };
}
