import { timingSafeEqual } from "node:crypto";
import { SignatureInvalid } from "../errors.ts";
import { explainHeader, explainMismatch, explainTimestamp } from "./signature-faults.ts";

export interface SignatureRules {
  /** The decoded shared secret, or two during a rotation. */
  readonly sharedSecrets: readonly Uint8Array[];
  /** How far the timestamp may lie in the past or in the future. */
  readonly toleranceSeconds: number;
  /** Returns milliseconds since the Unix epoch. */
  readonly now: () => number;
}

export interface SignedMessage {
  /** The body of the request, exactly as it was received. */
  readonly body: Uint8Array;
  /** The values of the headers `ownid-signature` and `ownid-timestamp`; `null` for a missing header. */
  readonly signature: string | null;
  readonly timestamp: string | null;
}

export interface VerifiedSignature {
  /** The 32 bytes of the MAC that the verifier computed, never those of the header. */
  readonly mac: Uint8Array;
  /** The signed timestamp, in milliseconds since the Unix epoch. */
  readonly signedAtMs: number;
}

export type VerifySignature = (message: SignedMessage) => VerifiedSignature;

/**
 * The canonical base64 form of 32 bytes. The 43rd character carries four bits, so its two spare bits must be zero. A
 * header that was sent twice arrives as one text with a comma, which does not match.
 */
const canonicalMac = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

const integerMilliseconds = /^(?:0|[1-9][0-9]{0,15})$/;

/**
 * Creates the verifier of OwnID's signature, which is base64(HMAC-SHA256(shared secret, body + "." + timestamp)).
 *
 * The verifier checks the form of the headers, then the time, then the MAC. The caller must parse the body only
 * afterwards. Every secret is tried every time and compared in constant time, so that the duration does not reveal
 * which one matched.
 *
 * @throws {SignatureInvalid} for every reason; nothing has been read but the arguments
 */
export function createSignatureVerifier(rules: SignatureRules): VerifySignature {
  const keyedHashers = rules.sharedSecrets.map((secret) => new Bun.CryptoHasher("sha256", secret));
  const toleranceMs = rules.toleranceSeconds * 1000;

  return ({ body, signature, timestamp }) => {
    if (signature === null || !canonicalMac.test(signature))
      throw new SignatureInvalid(explainHeader("signature", signature));
    if (timestamp === null || !integerMilliseconds.test(timestamp))
      throw new SignatureInvalid(explainHeader("timestamp", timestamp));
    const signedAtMs = Number(timestamp);
    const now = rules.now();
    if (Math.abs(now - signedAtMs) > toleranceMs)
      throw new SignatureInvalid(explainTimestamp(signedAtMs, now));

    const claimed = Uint8Array.fromBase64(signature);
    const mac = findMac(keyedHashers, body, timestamp, claimed);
    if (mac === null) {
      const holdsFor = (other: string) => findMac(keyedHashers, other, timestamp, claimed) !== null;
      throw new SignatureInvalid(explainMismatch(body, holdsFor));
    }
    return { mac, signedAtMs };
  };
}

/** Returns the computed MAC that equals the claimed one, or `null`. */
function findMac(
  keyedHashers: readonly Bun.CryptoHasher[],
  body: Uint8Array | string,
  timestamp: string,
  claimed: Uint8Array,
): Uint8Array | null {
  let matching: Uint8Array | null = null;
  for (const keyedHasher of keyedHashers) {
    const mac = keyedHasher.copy().update(body).update(".").update(timestamp).digest();
    if (timingSafeEqual(mac, claimed)) matching = mac;
  }
  return matching;
}

/** Signs a message as OwnID does, for `bun run sign` and the tests. */
export function signMessage(body: Uint8Array | string, timestamp: string, sharedSecret: Uint8Array): string {
  return new Bun.CryptoHasher("sha256", sharedSecret)
    .update(body)
    .update(".")
    .update(timestamp)
    .digest("base64");
}
