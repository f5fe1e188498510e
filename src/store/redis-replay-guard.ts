import type { Cluster, Redis } from "ioredis";
import type { Keys } from "./keys.ts";
import type { ProcessReplayGuard } from "./process-replay-guard.ts";
import type { RedisEpochs } from "./redis-epochs.ts";
import { type Claim, judge, openState, type ReplayGuard, type SignedEndpoint } from "./replay-guard.ts";

export interface RedisReplayGuardOptions {
  readonly client: Redis | Cluster;
  readonly masterOf: (key: string) => Redis | null;
  readonly epochs: RedisEpochs;
  readonly keys: Keys;
  /** Takes over while Redis is away. */
  readonly fallback: ProcessReplayGuard;
  /** How long a signature is remembered, in milliseconds. */
  readonly keepMs: number;
  readonly note: (event: ReplayGuardEvent) => void;
}

export type ReplayGuardEvent = "fell back" | "returned";

/**
 * The replay guard that any number of sidecars share. Claiming is one command that travels with the lookup's
 * own: the first to set the key has the signature, everyone else learns what it was used for.
 */
export function createRedisReplayGuard(options: RedisReplayGuardOptions): ReplayGuard {
  const { client, masterOf, epochs, keys, fallback, keepMs, note } = options;
  let isFallenBack = false;

  function fallBack(): void {
    if (isFallenBack) return;
    isFallenBack = true;
    fallback.beginAnew();
    note("fell back");
  }

  function comeBack(): void {
    if (!isFallenBack || !epochs.isWhole()) return;
    isFallenBack = false;
    note("returned");
  }

  async function claimInRedis(key: string, endpoint: SignedEndpoint, signedAtMs: number): Promise<Claim> {
    const open = openState(endpoint);
    // An epoch's memory is empty where it begins, so an older request may have been used before it.
    const mayBeForgotten =
      endpoint !== "get" && signedAtMs < (epochs.firstMetAtMs() ?? Number.POSITIVE_INFINITY);
    const seen = mayBeForgotten
      ? await client.get(key)
      : await client.set(key, open, "PX", keepMs, "NX", "GET");
    if (seen === null) return mayBeForgotten ? "open" : "run";
    const verdict = judge(seen, endpoint);
    if (verdict !== "retry") return verdict;
    const isFirst = await client.reopenSeen(key, seen, open);
    if (isFirst === 1) return "run";
    return endpoint === "set" ? "open" : "refuse";
  }

  return {
    async claim(mac, endpoint, signedAtMs) {
      const key = keys.seen(mac);
      const master = masterOf(key);
      if (master === null || !epochs.isLive(master)) {
        fallBack();
        return fallback.claim(mac, endpoint, signedAtMs);
      }
      // What was claimed while Redis was away is known to this process alone.
      if (fallback.has(mac)) return fallback.claim(mac, endpoint, signedAtMs);
      try {
        const claim = await claimInRedis(key, endpoint, signedAtMs);
        comeBack();
        return claim;
      } catch {
        epochs.disturb(master);
        fallBack();
        // Redis may hold a claim that it did not get to tell of, this one included.
        fallback.beginAnew();
        return fallback.claim(mac, endpoint, signedAtMs);
      }
    },

    async settle(mac, endpoint, outcome) {
      if (fallback.has(mac)) {
        await fallback.settle(mac, endpoint, outcome);
        // Another sidecar may have succeeded with a copy meanwhile: Redis learns of a success only.
        if (outcome === "failed") return;
      }
      await client.set(keys.seen(mac), `${endpoint}:${outcome}`, "PX", keepMs).catch(() => {});
    },
  } satisfies ReplayGuard;
}
