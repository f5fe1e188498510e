import {
  HashStale,
  OutcomeUnknown,
  RequestReplayed,
  SessionProviderUnavailable,
  SidecarError,
  SignatureInvalid,
  ValueAltered,
} from "../errors.ts";
import type { VerifiedSignature } from "../protocol/signature.ts";
import type { Claim, ReplayGuard } from "./replay-guard.ts";

/**
 * Runs a lookup, unless its signature belongs to another endpoint. A repeated lookup runs again. The claim and the
 * lookup start at the same time, so that the claim adds no round trip.
 *
 * @throws {SignatureInvalid} the signature belongs to another endpoint
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
  // The claim is awaited first. Without this handler, a failed lookup would count as an unhandled rejection
  // meanwhile.
  reading.catch(() => {});
  if ((await claim) === "refuse") throw new SignatureInvalid("used on another endpoint");
  return reading;
}

/**
 * Runs a `set` once for each signature, and returns whether it ran now: a copy of a `set` that has succeeded does not run.
 *
 * @throws {SignatureInvalid} the signature belongs to another endpoint
 * @throws {RequestReplayed} the first use is in flight, its outcome is unknown, or it may have been forgotten
 */
export async function writeOnce(
  guard: ReplayGuard,
  signature: VerifiedSignature,
  write: () => Promise<void>,
): Promise<boolean> {
  const claim = await guard.claim(signature.mac, "set", signature.signedAtMs);
  if (claim === "repeat") return false;
  await runClaimed(guard, signature, "set", claim, write);
  return true;
}

/**
 * Issues a session once for each signature.
 *
 * @throws {SignatureInvalid} the signature belongs to another endpoint, or a session has been issued or is being
 * issued for it
 * @throws {RequestReplayed} the signature may have been used and forgotten
 */
export async function issueOnce<Session>(
  guard: ReplayGuard,
  signature: VerifiedSignature,
  issue: () => Promise<Session>,
): Promise<Session> {
  const claim = await guard.claim(signature.mac, "session", signature.signedAtMs);
  return runClaimed(guard, signature, "session", claim, issue);
}

/** Runs the claimed work and settles the claim, unless the outcome is unknown. */
async function runClaimed<Value>(
  guard: ReplayGuard,
  { mac }: VerifiedSignature,
  endpoint: "set" | "session",
  claim: Claim,
  work: () => Promise<Value>,
): Promise<Value> {
  if (claim === "open") throw new RequestReplayed();
  // The guard refuses a copy of a `set` only if its signature was used on another endpoint. It also refuses a session
  // that was issued before, and does not return which of the two reasons applies.
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
 * Returns whether a copy may neither run nor be answered as a success. After `ValueAltered`, the row was written but does
 * not hold what was sent. A site that was asked for a session may have made one. A `set` that failed with `HashStale` may
 * be based on an old device list, which a copy could restore later.
 */
function staysOpen(error: SidecarError, endpoint: "set" | "session"): boolean {
  if (error instanceof HashStale) return endpoint === "set";
  if (error instanceof SessionProviderUnavailable) return error.mayHaveMadeSession;
  return error instanceof OutcomeUnknown || error instanceof ValueAltered;
}
