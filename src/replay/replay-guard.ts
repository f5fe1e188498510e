/** The endpoints on which a signature can be used. It is bound to the first one. */
export type SignedEndpoint = "get" | "set" | "session";

/**
 * What a request may do, given what is remembered of its signature.
 *
 * `run`: this is the first use, the first use is known to have failed, or it is a lookup again. `repeat`: a `set` that
 * has succeeded; answer as it did, without running it. `open`: the first use is in flight, its outcome is unknown, or it
 * may have been forgotten. `refuse`: the signature belongs to another endpoint, or has given a session, or is giving one.
 */
export type Claim = "run" | "repeat" | "open" | "refuse";

/** Remembers what each signature has been used for, for as long as a copy of the request would be accepted. */
export interface ReplayGuard {
  /**
   * Claims the signature for one use. `mac` is the MAC that the verifier computed. Never throws. Returns the claim
   * itself, and not a promise, if nobody else has to be asked.
   */
  claim(mac: Uint8Array, endpoint: SignedEndpoint, signedAtMs: number): Claim | Promise<Claim>;

  /**
   * Records how the claimed use of a `set` or a `session` ended. Do not call it if the outcome is unknown: the use
   * then stays open.
   */
  settle(mac: Uint8Array, endpoint: SignedEndpoint, outcome: "done" | "failed"): Promise<void>;
}

/** The guard of `REPLAY_PROTECTION=off`, which lets every request run. */
export const withoutReplayGuard: ReplayGuard = {
  claim: () => "run",
  settle: async () => {},
};

/** What is remembered about a MAC. */
export type SeenState = "get" | `${"set" | "session"}:${"open" | "done" | "failed"}`;

export const openState = (endpoint: SignedEndpoint): SeenState =>
  endpoint === "get" ? "get" : `${endpoint}:open`;

/**
 * Returns what a copy may do, given what the first use left. `retry` means `run`, but only for the one copy that
 * reopens the use.
 */
export function judge(seen: string, endpoint: SignedEndpoint): Claim | "retry" {
  if (seen === "get") return endpoint === "get" ? "run" : "refuse";
  if (seen === `${endpoint}:failed`) return "retry";
  if (endpoint === "set" && seen === "set:done") return "repeat";
  if (endpoint === "set" && seen === "set:open") return "open";
  return "refuse";
}
