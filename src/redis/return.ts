import type { Cluster, Redis } from "ioredis";
import type { Keys } from "./keys.ts";
import { scripts } from "./scripts.ts";

interface RedisReturnOptions {
  readonly client: Redis | Cluster;
  readonly keys: Keys;
  /** How long a hash lives that holds only a token. */
  readonly tokenLifeMs: number;
}

const scanCount = 1000;

/**
 * For a Redis at an address that has led to another one in between, without a restart: while it was away, users were
 * written and sessions revoked elsewhere. The returned function drops every value that it holds, and lets its record of
 * revocations begin anew. Markers of writers stay. If it rejects, a part may have been dropped.
 */
export function createForgetting({ client, keys, tokenLifeMs }: RedisReturnOptions) {
  return async (master: Redis): Promise<void> => {
    await client.set(keys.revokedBeforeAll(0), "");
    for await (const found of master.scanStream({ match: keys.everyUser, count: scanCount })) {
      const hashes: string[] = found;
      await Promise.all(
        hashes.map((key) => scripts.purgeHash(client, key, crypto.randomUUID(), tokenLifeMs)),
      );
    }
  };
}
