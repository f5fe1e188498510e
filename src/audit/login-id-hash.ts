import { createHmac, hkdfSync } from "node:crypto";

/** RFC 5869, section 3.2: binds the derived key to its one purpose. */
const purpose = "ownid-sidecar: login ids in the audit log";
const keyBytes = 32;
/** 128 bits: no two of a site's users share them. */
const hashHexDigits = 32;

export type HashLoginId = (loginId: string) => string;

/**
 * Returns a function that computes the hash of a login id for the audit log: HMAC-SHA256 under a key that HKDF-SHA256
 * derives from the secret, without salt. All sidecars compute the same hashes, also after a restart, and nobody who has
 * only the log can try login ids out. Upper and lower case count as equal, since requests may spell one user in several
 * ways. The key is derived on first use, because a sidecar without an audit log never needs it.
 */
export function createLoginIdHash(secret: Uint8Array): HashLoginId {
  let key: Buffer | null = null;
  return (loginId) => {
    key ??= Buffer.from(hkdfSync("sha256", secret, "", purpose, keyBytes));
    return createHmac("sha256", key).update(loginId.toLowerCase()).digest("hex").slice(0, hashHexDigits);
  };
}
