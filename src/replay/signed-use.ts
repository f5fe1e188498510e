import {
  HashStale,
  OutcomeUnknown,
  RequestReplayed,
  SidecarError,
  SignatureInvalid,
  ValueAltered,
} from "../errors.ts";
import type { VerifiedSignature } from "../protocol/signature.ts";
import type { Claim, ReplayGuard } from "./replay-guard.ts";

/**
 * Answers a lookup, unless its signature belongs to another endpoint. A repeated lookup is answered afresh. The
 * claim and the lookup start together, so that the claim costs no round trip of its own.
 *
 * @throws {SignatureInvalid}
 */
export function readBound<Value>(
  guard: ReplayGuard,
  { mac, signedAtMs }: VerifiedSignature,
  read: () => Promise<Value>,
): Promise<Value> {
  const claim = guard.claim(mac, "get", signedAtMs);
  const reading = read();
  return claim === "run" ? reading : unlessRefused(claim, reading);
}

async function unlessRefused<Value>(claim: Claim | Promise<Claim>, reading: Promise<Value>): Promise<Value> {
  // Its failure, if any, is met below; a refused claim comes first.
  reading.catch(() => {});
  if ((await claim) === "refuse") throw new SignatureInvalid("used on another endpoint");
  return reading;
}

/**
 * Runs a `set` once for each signature. A copy of one that has succeeded succeeds without running.
 *
 * @throws {SignatureInvalid} the signature belongs to another endpoint
 * @throws {RequestReplayed} its first use is under way, its outcome unknown, or it may have been forgotten
 */
export async function writeOnce(
  guard: ReplayGuard,
  signature: VerifiedSignature,
  write: () => Promise<void>,
) {
  const claim = await guard.claim(signature.mac, "set", signature.signedAtMs);
  if (claim !== "repeat") await runClaimed(guard, signature, "set", claim, write);
}

/**
 * Issues a session once for each signature.
 *
 * @throws {SignatureInvalid} the signature belongs to another endpoint, or is giving or has given a session
 * @throws {RequestReplayed} it may have been used and forgotten
 */
export async function issueOnce(
  guard: ReplayGuard,
  signature: VerifiedSignature,
  issue: () => Promise<string>,
) {
  const claim = await guard.claim(signature.mac, "session", signature.signedAtMs);
  return runClaimed(guard, signature, "session", claim, issue);
}

/** Runs what has been claimed, and tells the guard how it ended, unless that is not known. */
async function runClaimed<Value>(
  guard: ReplayGuard,
  { mac }: VerifiedSignature,
  endpoint: "set" | "session",
  claim: Claim,
  work: () => Promise<Value>,
): Promise<Value> {
  if (claim === "open") throw new RequestReplayed();
  // A copy of a `set` is repeated or open, never refused; of a session request, only the guard knows which it is.
  if (claim !== "run")
    throw new SignatureInvalid(endpoint === "set" ? "used on another endpoint" : "used before");
  try {
    const value = await work();
    void guard.settle(mac, endpoint, "done");
    return value;
  } catch (error) {
    if (error instanceof SidecarError && !staysOpen(error, endpoint))
      void guard.settle(mac, endpoint, "failed");
    throw error;
  }
}

/**
 * Whether a copy may neither run nor be answered like a success. After `ValueAltered` the row was written, but does not
 * hold what was sent. A `set` that met `HashStale` was made from an old list, which a copy could bring back later.
 */
function staysOpen(error: SidecarError, endpoint: "set" | "session"): boolean {
  if (error instanceof HashStale) return endpoint === "set";
  return error instanceof OutcomeUnknown || error instanceof ValueAltered;
}
