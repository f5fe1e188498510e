import { type CryptoKey, createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import type { SessionAlgorithm } from "./key-algorithms.ts";
import { type DigestKeys, deriveDigestKey } from "./login-id-digest.ts";
import { type SigningKey, type SigningKeys, signingKeyAt } from "./signing-keys.ts";

/** What signs a token. */
export interface Signer {
  /** `null` with HS256, since the thumbprint of a secret would be a hint at it (RFC 7638, section 7). */
  readonly kid: string | null;
  readonly key: CryptoKey | Uint8Array;
}

/** The keys of a running sidecar: the one that signs, and all that verify tokens which are still valid. */
export interface SessionKeys {
  /** The configured algorithm. No other one is issued or accepted. */
  readonly algorithm: SessionAlgorithm;
  signer(): Signer;
  /** Returns the key for a token, or throws jose's `JWKSNoMatchingKey`. */
  readonly findVerifier: JWTVerifyGetKey;
  publicKeys(): JSONWebKeySet;
  digestKeys(): DigestKeys;
}

/** Keys from `SESSION_KEYS_FILE`, which may be replaced while they are in use. */
export interface KeyRing extends SessionKeys {
  replace(keys: SigningKeys): void;
  /** Reports a key that has begun to sign by its schedule, although no token has been requested since. */
  reportSigner(): void;
}

/** The secret of HS256, which may be replaced while it is in use. */
export interface SecretKey extends SessionKeys {
  replace(secret: Uint8Array): void;
}

export interface KeyRingOptions {
  /** `JWKS_MAX_AGE_SECONDS`. */
  readonly maxAgeSeconds: number;
  /** Returns milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Called once when another key has begun to sign. `reportSigner` notices that, and so does the issue of a token. */
  readonly onSignerChange?: (kid: string) => void;
}

/**
 * Creates the key ring, which signs with the key that the file schedules for the instant. A key that this sidecar has
 * read later than the times in the file assume signs only after it has been published here for as long as verifiers
 * cache the set. Until then the previous key continues, unless it was removed.
 */
export function createKeyRing(
  first: SigningKeys,
  { maxAgeSeconds, now, onSignerChange }: KeyRingOptions,
): KeyRing {
  let keys = first;
  let verifyingKeys = createLocalJWKSet(first.publicKeys);
  let signing = signingKeyAt(first.entries, now());
  /** When this process first published each key. Verifiers are assumed to know the keys that it started with. */
  let publishedAt = new Map(first.entries.map(({ jwk: { kid } }) => [kid, Number.NEGATIVE_INFINITY]));

  function isKnown({ kid }: SigningKey): boolean {
    return (publishedAt.get(kid) ?? now()) + maxAgeSeconds * 1000 <= now();
  }

  function signingKey(): SigningKey {
    const appointed = signingKeyAt(keys.entries, now());
    if (!isKnown(appointed) && publishedAt.has(signing.kid)) return signing;
    const isOther = appointed.kid !== signing.kid;
    signing = appointed;
    if (isOther) onSignerChange?.(signing.kid);
    return signing;
  }

  return {
    algorithm: first.algorithm,

    signer() {
      const { kid, privateKey } = signingKey();
      return { kid, key: privateKey };
    },

    digestKeys: () => ({
      current: signingKey().digestKey,
      all: keys.entries.map(({ digestKey }) => digestKey),
    }),

    findVerifier: (header, token) => verifyingKeys(header, token),
    publicKeys: () => keys.publicKeys,

    reportSigner: () => void signingKey(),

    replace(next) {
      publishedAt = new Map(next.entries.map(({ jwk: { kid } }) => [kid, publishedAt.get(kid) ?? now()]));
      verifyingKeys = createLocalJWKSet(next.publicKeys);
      keys = next;
    },
  };
}

/** Creates the keys of HS256: one secret signs and verifies, so nothing is published. */
export function createSecretKey(first: Uint8Array): SecretKey {
  let secret = first;
  let digestKey = deriveDigestKey(first);
  return {
    algorithm: "HS256",
    signer: () => ({ kid: null, key: secret }),
    findVerifier({ kid }) {
      if (kid !== undefined) throw new errors.JWKSNoMatchingKey();
      return secret;
    },
    publicKeys: () => ({ keys: [] }),
    digestKeys: () => ({ current: digestKey, all: [digestKey] }),

    replace(next) {
      secret = next;
      digestKey = deriveDigestKey(next);
    },
  };
}
