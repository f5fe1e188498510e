import { SignJWT } from "jose";
import type { SessionIssuer, SessionType } from "./session-issuer.ts";
import type { SigningKeys } from "./signing-keys.ts";

export interface JwtIssuerOptions {
  readonly keys: SigningKeys;
  readonly issuer: string;
  readonly audience: string;
  readonly ttlSeconds: number;
  /** Lifetimes that differ by session type; a type without one has `ttlSeconds`. */
  readonly ttlSecondsByType: Readonly<Record<SessionType, number | null>>;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/**
 * How far `iat` and `nbf` lie before the sidecar's clock. Without it, a verifier whose clock is a second behind would
 * refuse a fresh token. `exp` counts from the clock itself, so that a token is valid for its whole lifetime.
 */
const backdatingSeconds = 5;

/** RFC 8725, section 3.11: a token of one kind must not pass for one of another. */
const tokenType = "ownid-session+jwt";

/**
 * Issues session tokens with the claims of RFC 7519 (`iss`, `aud`, `sub`, `iat`, `nbf`, `exp`, `jti`), `sid`
 * for the session and `session_type` when OwnID sent one. The algorithm is the key's, never the token's.
 */
export function createJwtIssuer(options: JwtIssuerOptions): SessionIssuer {
  const { active, publicKeys } = options.keys;

  return {
    issue({ loginId, sessionType }) {
      const now = Math.floor(options.now() / 1000);
      const issuedAt = now - backdatingSeconds;
      const ttlSeconds =
        (sessionType === null ? null : options.ttlSecondsByType[sessionType]) ?? options.ttlSeconds;
      return new SignJWT({
        iss: options.issuer,
        aud: options.audience,
        sub: loginId,
        iat: issuedAt,
        nbf: issuedAt,
        exp: now + ttlSeconds,
        jti: crypto.randomUUID(),
        sid: crypto.randomUUID(),
        ...(sessionType === null ? {} : { session_type: sessionType }),
      })
        .setProtectedHeader({ alg: active.algorithm, kid: active.kid, typ: tokenType })
        .sign(active.privateKey);
    },

    publicKeys: () => publicKeys,
  } satisfies SessionIssuer;
}
