import { type Static, Type } from "@sinclair/typebox";
import type { Claims } from "./subject.ts";

/**
 * A hand-off token is what OwnID carries with `SESSION_HANDOFF=exchange`. It can be exchanged once and is good for
 * nothing else.
 */
export type TokenKind = "session" | "handoff";

/** The header `typ` of hand-off tokens. `SESSION_TOKEN_TYPE` must differ from it. */
const handoffTokenType = "ownid-handoff+jwt";

/**
 * Returns the header `typ` of a kind of token. Tokens of one kind must not be accepted as the other (RFC 8725,
 * section 3.11).
 *
 * @param tokenType `SESSION_TOKEN_TYPE`
 */
export function headerTypeOf(kind: TokenKind, tokenType: string): string {
  return kind === "handoff" ? handoffTokenType : tokenType;
}

/**
 * How far `iat` and `nbf` lie before the sidecar's clock. Otherwise a verifier whose clock is a second slow would
 * refuse a fresh token. `exp` counts from the clock itself, so that a token is valid for its whole lifetime.
 */
export const backdatingSeconds = 5;

/** How far the clocks of two sidecars may differ without a revocation missing a token. */
const clockToleranceSeconds = 2;

/**
 * The claims that the sidecar itself gives a token (RFC 7519). Times are seconds since the Unix epoch. `sub` is the
 * stored login id, or the value of `SESSION_SUBJECT_COLUMN`; in that case `lid` is a digest of the login id. An
 * exchange keeps the session's `sid` and gives the new token its own `jti`.
 */
export const OwnClaims = Type.Object({
  iss: Type.String(),
  aud: Type.String(),
  sub: Type.String(),
  iat: Type.Integer(),
  nbf: Type.Integer(),
  exp: Type.Integer(),
  jti: Type.String({ minLength: 1 }),
  sid: Type.String({ minLength: 1 }),
  lid: Type.Optional(Type.String({ minLength: 1 })),
  session_type: Type.Optional(Type.Union([Type.Literal("browser"), Type.Literal("mobile")])),
});

export type OwnClaims = Static<typeof OwnClaims>;

/** All claims of a token, including those of `SESSION_CLAIMS`. */
export type TokenClaims = OwnClaims & Claims;

/** Returns the claims of a token that come from `SESSION_CLAIMS`. */
export function furtherClaimsOf(claims: TokenClaims): Claims {
  return Object.fromEntries(
    Object.entries(claims).filter(([name]) => !Object.hasOwn(OwnClaims.properties, name)),
  );
}

/** Returns the earliest `iat` of a token that is issued at this instant, in seconds. */
export function earliestIssueTime(nowMs: number): number {
  return Math.floor(nowMs / 1000) - backdatingSeconds;
}

/**
 * Returns the second up to which a revocation of everything issued so far must reach. No sidecar whose clock differs
 * by at most two seconds has given a token a later `iat`, unless the token followed an earlier revocation.
 */
export function latestIssueTime(nowMs: number): number {
  return earliestIssueTime(nowMs) + clockToleranceSeconds;
}
