import type { JSONWebKeySet } from "jose";

export type SessionType = "browser" | "mobile";

/** Who a session is for. */
export interface SessionSubject {
  /** The login id as the user table stores it. */
  readonly loginId: string;
  /** `null` when OwnID did not say. */
  readonly sessionType: SessionType | null;
}

export interface SessionIssuer {
  /** A new session token, JWS compact (RFC 7515). */
  issue(subject: SessionSubject): Promise<string>;
  /** The keys that verify the tokens, public members only (RFC 7517, section 5). */
  publicKeys(): JSONWebKeySet;
}
