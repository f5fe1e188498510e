import type { Cluster, Redis } from "ioredis";
import { freshToken } from "./fresh-token.ts";
import type { Keys } from "./keys.ts";
import { scripts } from "./scripts.ts";
import { visitKeys } from "./visit-keys.ts";

interface ForgetAllOptions {
  readonly client: Redis | Cluster;
  readonly keys: Keys;
  /** `COHERENCE_TOKEN_MS`: the lifetime of a hash that holds only a lease token. */
  readonly tokenMs: number;
}

/**
 * Creates a function for a Redis whose address has led to another server in between, although it has not restarted.
 * Meanwhile, users were written, signatures used and sessions revoked elsewhere. The function removes the record of the
 * epoch, so that a sidecar that starts later counts it as new, too. It then starts the record of revocations anew and
 * removes every value that this Redis holds. Markers stay. If it rejects, only some of this may have been done.
 */
export function createForgetAll({ client, keys, tokenMs }: ForgetAllOptions) {
  return async (master: Redis, epoch: string): Promise<void> => {
    // The account of a sidecar need not have the privilege to delete.
    await client.set(keys.epoch(epoch), "", "PX", 1);
    await client.set(keys.revokedBeforeAll(0), "");
    await visitKeys(master, keys.everyUser, (key) => scripts.purgeHash(client, key, freshToken(), tokenMs));
  };
}
