import { createJwtIssuer, type JwtIssuerOptions } from "./jwt-issuer.ts";
import type { SessionKeys } from "./key-ring.ts";
import type { SessionLedger } from "./session-ledger.ts";
import { createSessions, type Sessions } from "./sessions.ts";
import type { SubjectRules } from "./subject.ts";
import { createTokenVerifier } from "./token-verifier.ts";

export interface JwtSessionsOptions extends JwtIssuerOptions, SubjectRules {
  readonly keys: SessionKeys;
  readonly ledger: SessionLedger;
  /** Whether OwnID carries a hand-off token instead of the session token (`SESSION_HANDOFF=exchange`). */
  readonly handsOff: boolean;
}

type Lifetimes = Pick<JwtIssuerOptions, "ttlSeconds" | "ttlSecondsByType" | "handoffTtlSeconds">;

/** How long a revocation is kept after the last token that it concerns has expired, since clocks differ. */
const keepMarginSeconds = 60;

/** Creates the sessions whose tokens are JWTs, which the sidecar issues and verifies itself. */
export function createJwtSessions(options: JwtSessionsOptions): Sessions {
  const verifyToken = createTokenVerifier({
    ...options,
    lifetimeSeconds: { session: longestSessionSeconds(options), handoff: options.handoffTtlSeconds },
  });
  return createSessions({
    ...options,
    issuer: createJwtIssuer(options),
    digestKeys: options.keys.digestKeys,
    verifyToken,
  });
}

/** Returns how long a revocation must be kept, which is longer than any token is valid. */
export function revocationSeconds(lifetimes: Lifetimes): number {
  return Math.max(longestSessionSeconds(lifetimes), lifetimes.handoffTtlSeconds) + keepMarginSeconds;
}

function longestSessionSeconds({ ttlSeconds, ttlSecondsByType }: Lifetimes): number {
  return Math.max(ttlSeconds, ttlSecondsByType.browser ?? 0, ttlSecondsByType.mobile ?? 0);
}
