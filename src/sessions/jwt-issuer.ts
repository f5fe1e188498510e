import { CompactSign } from "jose";
import type { SessionType } from "../protocol/session-type.ts";
import type { SessionKeys } from "./key-ring.ts";
import type { SessionIssuer } from "./session-issuer.ts";
import { earliestIssueTime, headerTypeOf, type OwnClaims } from "./session-token.ts";

export interface JwtIssuerOptions {
  readonly keys: Pick<SessionKeys, "algorithm" | "signer" | "publicKeys">;
  readonly issuer: string;
  readonly audience: string;
  /** `SESSION_TOKEN_TYPE`: the header `typ` of session tokens. */
  readonly tokenType: string;
  readonly ttlSeconds: number;
  /** Lifetimes by session type. A type without one has `ttlSeconds`. */
  readonly ttlSecondsByType: Readonly<Record<SessionType, number | null>>;
  readonly handoffTtlSeconds: number;
  /** Returns milliseconds since the Unix epoch. */
  readonly now: () => number;
}

const utf8 = new TextEncoder();

/**
 * Creates the issuer of session and hand-off tokens, which have the claims of `TokenClaims`. The algorithm comes from
 * the configuration.
 */
export function createJwtIssuer(options: JwtIssuerOptions): SessionIssuer {
  const { keys } = options;

  function sessionTtlSeconds(sessionType: SessionType | null): number {
    return (sessionType === null ? null : options.ttlSecondsByType[sessionType]) ?? options.ttlSeconds;
  }

  return {
    async issue(
      { subject, loginIdDigest, claims: further, sessionType },
      { kind = "session", sid, asOfMs, revokedUntil } = {},
    ) {
      const nowMs = asOfMs ?? options.now();
      const notBefore = earliestIssueTime(nowMs);
      const ttlSeconds = kind === "handoff" ? options.handoffTtlSeconds : sessionTtlSeconds(sessionType);
      const claims: OwnClaims = {
        iss: options.issuer,
        aud: options.audience,
        sub: subject,
        iat: revokedUntil === undefined ? notBefore : Math.max(notBefore, revokedUntil + 1),
        nbf: notBefore,
        exp: Math.floor(nowMs / 1000) + ttlSeconds,
        jti: crypto.randomUUID(),
        sid: sid ?? crypto.randomUUID(),
        ...(loginIdDigest === null ? {} : { lid: loginIdDigest }),
        ...(sessionType === null ? {} : { session_type: sessionType }),
      };
      const { kid, key } = keys.signer();
      const typ = headerTypeOf(kind, options.tokenType);
      const header = { alg: keys.algorithm, ...(kid === null ? {} : { kid }), typ };
      // A JWT is a JWS whose payload is a JSON object (RFC 7519, section 7.1). `SignJWT` would first clone the claims.
      const payload = utf8.encode(JSON.stringify({ ...further, ...claims }));
      const token = await new CompactSign(payload).setProtectedHeader(header).sign(key);
      return { token, sid: claims.sid };
    },

    publicKeys: () => keys.publicKeys(),
  };
}
