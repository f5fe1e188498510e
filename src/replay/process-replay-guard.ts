import { judge, openState, type ReplayGuard, type SeenState } from "./replay-guard.ts";

export interface ProcessReplayGuardOptions {
  /** How long a signature is remembered at least, in milliseconds. */
  readonly keepMs: number;
  /** Returns milliseconds since the Unix epoch. Signatures carry a timestamp of this clock. */
  readonly now: () => number;
  /** Returns milliseconds of a monotonic clock. It decides when a signature is forgotten. */
  readonly elapsed: () => number;
}

export interface ProcessReplayGuard extends ReplayGuard {
  /**
   * Begins the memory anew: a request that was signed before now may have been used elsewhere, unless this process
   * remembers that it has not failed.
   */
  beginAnew(): void;
  /** Returns whether this process has claimed the signature. */
  has(mac: Uint8Array): boolean;
  /** Forgets the signature if its use in this process is known to have failed. Returns whether it did. */
  forgetFailed(mac: Uint8Array): boolean;
}

/**
 * Creates a replay guard in the memory of this process. It serves a single sidecar without Redis, and any sidecar
 * while Redis is away.
 *
 * Signatures are kept in two generations that take turns. When a generation is older than `keepMs`, it is dropped as
 * a whole, so that forgetting costs nothing.
 */
export function createProcessReplayGuard({
  keepMs,
  now,
  elapsed,
}: ProcessReplayGuardOptions): ProcessReplayGuard {
  let recent = new Map<string, SeenState>();
  let older = new Map<string, SeenState>();
  let turnedAtMs = elapsed();
  let beganAtMs = now();

  function turnGenerations(): void {
    const sinceMs = elapsed() - turnedAtMs;
    if (sinceMs < keepMs) return;
    older = sinceMs < 2 * keepMs ? recent : new Map();
    recent = new Map();
    turnedAtMs = elapsed();
  }

  return {
    claim(mac, endpoint, signedAtMs) {
      turnGenerations();
      const key = keyOf(mac);
      const seen = recent.get(key) ?? older.get(key);
      if (seen === undefined) {
        if (endpoint !== "get" && signedAtMs < beganAtMs) return "open";
        recent.set(key, openState(endpoint));
        return "run";
      }
      const verdict = judge(seen, endpoint);
      if (verdict !== "retry") return verdict;
      // Before the memory began anew, a copy may have succeeded elsewhere.
      if (signedAtMs < beganAtMs) return "open";
      recent.set(key, openState(endpoint));
      return "run";
    },

    async settle(mac, endpoint, outcome) {
      if (endpoint !== "get") recent.set(keyOf(mac), `${endpoint}:${outcome}`);
    },

    beginAnew() {
      beganAtMs = now();
    },

    has(mac) {
      if (recent.size + older.size === 0) return false;
      turnGenerations();
      const key = keyOf(mac);
      return recent.has(key) || older.has(key);
    },

    forgetFailed(mac) {
      const key = keyOf(mac);
      const seen = recent.get(key) ?? older.get(key);
      if (seen !== "set:failed" && seen !== "session:failed") return false;
      recent.delete(key);
      older.delete(key);
      return true;
    },
  };
}

function keyOf(mac: Uint8Array): string {
  return Buffer.from(mac).toString("latin1");
}
