/** The endpoints a signature can be used on; it is bound to the first. */
export type SignedEndpoint = "get" | "set" | "session";

/**
 * What a copy of a request that has been seen before may do.
 *
 * `run`: it is the first use, or the first one is known to have failed. `repeat`: a `set` that has succeeded;
 * answer as it did, without running. `open`: its first use is under way, or its outcome is unknown, or may have
 * been forgotten. `refuse`: it belongs to another endpoint, or has given a session already.
 */
export type Claim = "run" | "repeat" | "open" | "refuse";

/** Remembers what each signature has been used for, for as long as it could be sent again. */
export interface ReplayGuard {
  /**
   * Claims the signature, by the MAC that the verifier computed, for one use. Never throws. Where nobody else
   * needs to be asked, the answer comes at once.
   */
  claim(mac: Uint8Array, endpoint: SignedEndpoint, signedAtMs: number): Claim | Promise<Claim>;

  /** Tells how the claimed use of a `set` or `session` ended. An unknown outcome is not told: it stays open. */
  settle(mac: Uint8Array, endpoint: SignedEndpoint, outcome: "done" | "failed"): Promise<void>;
}

/** `REPLAY_PROTECTION=off`. */
export const withoutReplayGuard: ReplayGuard = {
  claim: () => "run",
  settle: async () => {},
};

/** What is remembered under a MAC. */
export type SeenState = "get" | `${"set" | "session"}:${"open" | "done" | "failed"}`;

export const openState = (endpoint: SignedEndpoint): SeenState =>
  endpoint === "get" ? "get" : `${endpoint}:open`;

/** What a copy may do, by what the first use left; `retry` = run, if it is the one copy that reopens it. */
export function judge(seen: string, endpoint: SignedEndpoint): Claim | "retry" {
  if (seen === "get") return endpoint === "get" ? "run" : "refuse";
  if (seen === `${endpoint}:failed`) return "retry";
  if (endpoint === "set" && seen === "set:done") return "repeat";
  if (endpoint === "set" && seen === "set:open") return "open";
  return "refuse";
}
