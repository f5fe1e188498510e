import type { Redis } from "ioredis";

const pageSize = 1000;

/**
 * Calls `visit` for every key of this master that matches the pattern of SCAN, for a page of keys at the same time. A
 * key may come twice. Stops at the first failure.
 */
export async function visitKeys(
  master: Redis,
  match: string,
  visit: (key: string) => Promise<unknown>,
): Promise<void> {
  for await (const page of master.scanStream({ match, count: pageSize })) {
    const keys: string[] = page;
    await Promise.all(keys.map(visit));
  }
}
