import { Value } from "@sinclair/typebox/value";
import { errors, jwtVerify } from "jose";
import type { SessionKeys } from "./key-ring.ts";
import { isDigestOf } from "./login-id-digest.ts";
import {
  backdatingSeconds,
  headerTypeOf,
  OwnClaims,
  type TokenClaims,
  type TokenKind,
} from "./session-token.ts";

export interface TokenVerifierOptions {
  readonly keys: Pick<SessionKeys, "algorithm" | "findVerifier" | "digestKeys">;
  readonly issuer: string;
  readonly audience: string;
  /** `SESSION_TOKEN_TYPE`: the header `typ` of session tokens. */
  readonly tokenType: string;
  /** The longest lifetime of a token of each kind. */
  readonly lifetimeSeconds: Readonly<Record<TokenKind, number>>;
  /** Returns milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** Returns the claims of a token of this kind that is valid now, and `null` for every other text. */
export type VerifyToken = (token: string, kind: TokenKind) => Promise<TokenClaims | null>;

/**
 * Creates the verifier of the sidecar's own tokens. The algorithm, issuer and audience come from the configuration,
 * and the key comes from the sidecar's key set. Nothing is taken from the token: the headers `jku`, `x5u` and `jwk`
 * are ignored (RFC 8725, section 3.10).
 */
export function createTokenVerifier(options: TokenVerifierOptions): VerifyToken {
  const { keys, issuer, audience, tokenType, lifetimeSeconds, now } = options;

  /** A revocation is kept for the longest lifetime, so no token may outlive that, even if the setting was lowered. */
  function isTooOld({ iat }: OwnClaims, kind: TokenKind): boolean {
    return now() / 1000 >= iat + backdatingSeconds + lifetimeSeconds[kind];
  }

  /** The digest in an exchanged token may be older than its signature. */
  function isRevocable({ lid }: OwnClaims): boolean {
    return lid === undefined || isDigestOf(keys.digestKeys().all, lid);
  }

  return async (token, kind) => {
    if (!isCanonical(token)) return null;
    try {
      const { payload } = await jwtVerify(token, keys.findVerifier, {
        algorithms: [keys.algorithm],
        typ: headerTypeOf(kind, tokenType),
        issuer,
        audience,
        currentDate: new Date(now()),
      });
      if (!Value.Check(OwnClaims, payload) || isTooOld(payload, kind)) return null;
      return isRevocable(payload) ? payload : null;
    } catch (error) {
      if (error instanceof errors.JOSEError) return null;
      throw error;
    }
  };
}

/**
 * Returns whether the token is spelled as its issuer would. The decoder ignores padding, white space and the last bits
 * of a part, so that a token with an altered signature could still be valid.
 */
function isCanonical(token: string): boolean {
  return token.split(".").every((part) => Buffer.from(part, "base64url").toString("base64url") === part);
}
