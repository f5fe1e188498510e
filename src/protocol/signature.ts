import { timingSafeEqual } from "node:crypto";
import { SignatureInvalid } from "../errors.ts";
import { explainHeader, explainMismatch, explainTimestamp } from "./signature-faults.ts";

export interface SignatureRules {
  /** One decoded shared secret, or two while one replaces the other. */
  readonly sharedSecrets: readonly Uint8Array[];
  /** How far the timestamp may lie from now, in the past and in the future. */
  readonly toleranceSeconds: number;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

export interface SignedMessage {
  /** The request's body exactly as received. */
  readonly body: Uint8Array;
  /** The text of the `ownid-signature` and `ownid-timestamp` headers; a missing header is `null`. */
  readonly signature: string | null;
  readonly timestamp: string | null;
}

export interface VerifiedSignature {
  /** The 32 bytes of the MAC as this code computed it, never what the header said. */
  readonly mac: Uint8Array;
  /** The signed timestamp, milliseconds since the Unix epoch. */
  readonly signedAtMs: number;
}

export type VerifySignature = (message: SignedMessage) => VerifiedSignature;

/**
 * The base64 spelling of 32 bytes that has no other: its 43rd character carries four bits, so the two
 * spare ones must be zero. A header that was sent twice arrives joined by a comma, which does not match.
 */
const canonicalMac = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

const integerMilliseconds = /^(?:0|[1-9][0-9]{0,15})$/;

/**
 * Verifies OwnID's signature: base64(HMAC-SHA256(shared secret, body + "." + timestamp)).
 *
 * The order is header form, time, MAC; the caller parses the body only afterwards. Every secret is tried
 * every time and compared in constant time, so the duration tells neither which one matched nor how much.
 *
 * @throws {SignatureInvalid} whatever the reason; nothing has been read but the arguments
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
      throw new SignatureInvalid(explainTimestamp(signedAtMs, now, toleranceMs));

    const claimed = Buffer.from(signature, "base64");
    const mac = findMac(keyedHashers, body, timestamp, claimed);
    if (mac === null) {
      const holdsFor = (other: string) => findMac(keyedHashers, other, timestamp, claimed) !== null;
      throw new SignatureInvalid(explainMismatch(body, holdsFor));
    }
    return { mac, signedAtMs };
  };
}

/** Returns the MAC, as computed here, that equals the claimed one, or `null`. */
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

/** Signs as OwnID does: what `bun run sign` and the tests send. */
export function signMessage(body: Uint8Array | string, timestamp: string, sharedSecret: Uint8Array): string {
  return new Bun.CryptoHasher("sha256", sharedSecret)
    .update(body)
    .update(".")
    .update(timestamp)
    .digest("base64");
}
