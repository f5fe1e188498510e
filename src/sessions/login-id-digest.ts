import { createHmac, hkdfSync } from "node:crypto";

/** The key of the digests of login ids. It is derived from a key that signs tokens, so every sidecar has it. */
export interface DigestKey {
  readonly id: string;
  readonly key: Uint8Array;
}

/** The digest keys of a running sidecar. */
export interface DigestKeys {
  /** The digest key of the key that signs now. */
  readonly current: DigestKey;
  /** The digest keys of all keys whose tokens may be valid, including `current`. */
  readonly all: readonly DigestKey[];
}

const keyBytes = 32;
const idBytes = 6;
const digestBytes = 16;

/** @param secret the private half of a signing key, or the secret of HS256 */
export function deriveDigestKey(secret: string | Uint8Array): DigestKey {
  const derived = Buffer.from(hkdfSync("sha256", secret, "", "ownid-sidecar login id", keyBytes + idBytes));
  return { id: derived.toString("base64url", keyBytes), key: derived.subarray(0, keyBytes) };
}

/**
 * Returns the digest that stands for a login id in a token with another subject. With it, a revocation of the login
 * id reaches the token, even after the user has been deleted. Without the key, the login id cannot be found out.
 */
export function digestLoginId({ id, key }: DigestKey, loginId: string): string {
  const mac = createHmac("sha256", key).update(loginId).digest();
  return `${id}.${mac.toString("base64url", 0, digestBytes)}`;
}

/**
 * Returns whether the digest was made with one of these keys. A revocation of the login id does not reach any other
 * digest.
 */
export function isDigestOf(keys: readonly DigestKey[], digest: string): boolean {
  return keys.some(({ id }) => digest.startsWith(`${id}.`));
}
