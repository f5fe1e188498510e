import type { JSONWebKeySet } from "jose";
import type { TokenKind } from "./session-token.ts";

export type SessionType = "browser" | "mobile";

/** Who a session is for. */
export interface SessionSubject {
  /** The login id as the user table stores it. */
  readonly loginId: string;
  /** `null` when OwnID did not say. */
  readonly sessionType: SessionType | null;
}

export interface IssueOptions {
  /** A session token unless given. */
  readonly kind?: TokenKind;
  /** The session that the token belongs to; a new one unless given. */
  readonly sid?: string;
  /** The instant as of which the subject is known to be right, in milliseconds since the Unix epoch; now unless given. */
  readonly asOfMs?: number;
  /** The second that `iat` must be later than: tokens issued up to then are revoked. */
  readonly revokedUntil?: number;
}

export interface SessionIssuer {
  /** Returns a new token, JWS compact (RFC 7515). */
  issue(subject: SessionSubject, options?: IssueOptions): Promise<string>;
  /** The keys that verify the tokens, public members only (RFC 7517, section 5). */
  publicKeys(): JSONWebKeySet;
}
