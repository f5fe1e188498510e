import { Refusal } from "./setting-kinds.ts";

/** A claim of session tokens whose value is a column of the user's row. */
export interface ClaimColumn {
  readonly claim: string;
  readonly column: string;
}

const claimsMax = 20;

/**
 * The claims that the sidecar sets itself, and four that would change what the token means: with `active`, RFC 7662 says that
 * a token is valid; `cnf` binds it to a key (RFC 7800); `act` and `may_act` let somebody act for the subject (RFC 8693).
 */
const reserved: ReadonlySet<string> = new Set([
  "iss",
  "sub",
  "aud",
  "exp",
  "nbf",
  "iat",
  "jti",
  "sid",
  "lid",
  "session_type",
  "active",
  "cnf",
  "act",
  "may_act",
]);

/** A claim may be named by a URL (RFC 7519, section 4.2), so the last colon ends it. */
const pair = /^([A-Za-z][\w./:-]{0,127}):([\p{L}\p{N}_$ .-]{1,128})$/u;

/** Reads `claim:column, …`. */
export function parseSessionClaims(text: string): readonly ClaimColumn[] | Refusal | null {
  const claims: ClaimColumn[] = [];
  for (const part of text.split(",")) {
    const [, claim, column] = pair.exec(part.trim()) ?? [];
    if (claim === undefined || column === undefined) return null;
    if (reserved.has(claim)) return new Refusal(`names the claim ${claim}, which the sidecar reserves.`);
    if (claims.some((other) => other.claim === claim)) return new Refusal(`names the claim ${claim} twice.`);
    claims.push({ claim, column: column.trim() });
  }
  return claims.length > claimsMax ? new Refusal(`names more than ${claimsMax} claims.`) : claims;
}
