import { judge, openState, type ReplayGuard, type SeenState } from "./replay-guard.ts";

export interface ProcessReplayGuardOptions {
  /** How long a signature is remembered, in milliseconds, at least. */
  readonly keepMs: number;
  /** Milliseconds since the Unix epoch, by which requests are signed. */
  readonly now: () => number;
  /** Milliseconds by a clock that nobody sets, by which they are forgotten. */
  readonly elapsed: () => number;
}

export interface ProcessReplayGuard extends ReplayGuard {
  /** Forgets that anything was known before now: what is signed earlier may have been used elsewhere. */
  beginAnew(): void;
  /** Whether the signature has been claimed here. */
  has(mac: Uint8Array): boolean;
  /** Forgets the signature if its use here is known to have failed, and returns whether it did. */
  forgetFailed(mac: Uint8Array): boolean;
}

/**
 * The replay guard in this process's memory: for a single sidecar without Redis, and while Redis is away. Two
 * generations take turns, so that forgetting costs nothing: what is in neither is older than `keepMs`.
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
