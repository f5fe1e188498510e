import type { JSONWebKeySet } from "jose";
import type { SessionType } from "../protocol/session-type.ts";
import type { TokenKind } from "./session-token.ts";
import type { Subject } from "./subject.ts";

/** What OwnID asks for. */
export interface SessionRequest {
  readonly loginId: string;
  /** `null` if OwnID sent none. */
  readonly sessionType: SessionType | null;
}

/** Who a token is for. */
export interface TokenSubject extends Subject {
  /** What stands for the login id where the subject is something else; `null` = the login id is the subject. */
  readonly loginIdDigest: string | null;
  readonly sessionType: SessionType | null;
}

export interface IssueOptions {
  /** A session token by default. */
  readonly kind?: TokenKind;
  /** The session that the token belongs to; by default a new one. */
  readonly sid?: string;
  /** The instant at which the subject is known to be right, in milliseconds since the Unix epoch; by default now. */
  readonly asOfMs?: number;
  /** The second that `iat` must be later than: tokens issued up to then are revoked. */
  readonly revokedUntil?: number;
}

/** A token that was just issued. */
export interface NewToken {
  /** JWS compact (RFC 7515). */
  readonly token: string;
  /** The session that it belongs to. */
  readonly sid: string;
}

export interface SessionIssuer {
  issue(subject: TokenSubject, options?: IssueOptions): Promise<NewToken>;
  /** Returns the keys that verify the tokens, public members only (RFC 7517, section 5). */
  publicKeys(): JSONWebKeySet;
}
