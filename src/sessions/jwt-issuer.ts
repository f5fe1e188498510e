import { SignJWT } from "jose";
import type { SessionIssuer, SessionType } from "./session-issuer.ts";
import { earliestIssueTime, type TokenClaims, tokenTypes } from "./session-token.ts";
import type { SigningKeys } from "./signing-keys.ts";

export interface JwtIssuerOptions {
  readonly keys: SigningKeys;
  readonly issuer: string;
  readonly audience: string;
  readonly ttlSeconds: number;
  /** Lifetimes that differ by session type; a type without one has `ttlSeconds`. */
  readonly ttlSecondsByType: Readonly<Record<SessionType, number | null>>;
  readonly handoffTtlSeconds: number;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/**
 * Issues session and hand-off tokens with the claims of `TokenClaims`. The algorithm is the key's, never the token's.
 */
export function createJwtIssuer(options: JwtIssuerOptions): SessionIssuer {
  const { active, publicKeys } = options.keys;

  function sessionTtlSeconds(sessionType: SessionType | null): number {
    return (sessionType === null ? null : options.ttlSecondsByType[sessionType]) ?? options.ttlSeconds;
  }

  return {
    issue({ loginId, sessionType }, { kind = "session", sid, asOfMs, revokedUntil } = {}) {
      const nowMs = asOfMs ?? options.now();
      const notBefore = earliestIssueTime(nowMs);
      const ttlSeconds = kind === "handoff" ? options.handoffTtlSeconds : sessionTtlSeconds(sessionType);
      const claims: TokenClaims = {
        iss: options.issuer,
        aud: options.audience,
        sub: loginId,
        iat: revokedUntil === undefined ? notBefore : Math.max(notBefore, revokedUntil + 1),
        nbf: notBefore,
        exp: Math.floor(nowMs / 1000) + ttlSeconds,
        jti: crypto.randomUUID(),
        sid: sid ?? crypto.randomUUID(),
        ...(sessionType === null ? {} : { session_type: sessionType }),
      };
      return new SignJWT({ ...claims })
        .setProtectedHeader({ alg: active.algorithm, kid: active.kid, typ: tokenTypes[kind] })
        .sign(active.privateKey);
    },

    publicKeys: () => publicKeys,
  } satisfies SessionIssuer;
}
