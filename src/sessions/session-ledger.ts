/** What identifies a token in the ledger, from its own verified claims. */
export interface IssuedToken {
  readonly jti: string;
  readonly sid: string;
  /** `lid`, or `sub` in a token without it. */
  readonly user: string;
  /** `iat`, in seconds. */
  readonly issuedAt: number;
}

/** The revocation of everything that was issued to a user. */
export interface UserRevocation {
  /** The second up to which the user's tokens are revoked, by their `iat`. */
  readonly until: number;
  /** How much longer it is kept, in milliseconds. */
  readonly keptForMs: number;
}

/**
 * Remembers which tokens are revoked and which hand-off tokens have been exchanged, for as long as those tokens could
 * be valid. It is stored in Redis, or in `STATE_FILE` without Redis.
 *
 * A user is named as tokens name them: by the login id as the user table stores it or, where the subject is something
 * else, by a digest of the login id (`login-id-digest.ts`).
 *
 * What the ledger may have forgotten counts as revoked: if its record began anew, every token that was issued before
 * is revoked. Every method throws `SessionLedgerUnavailable` if there is no certain answer.
 */
export interface SessionLedger {
  /** Revokes one token by its `jti`, or all tokens of one session by its `sid`. */
  revoke(id: string): Promise<void>;

  /** Revokes every token that has been issued to the user so far, and none that is issued afterwards. */
  revokeUser(user: string): Promise<void>;

  /**
   * Returns the second up to which the user's tokens are revoked. A new token needs a later `iat`. If the record
   * began anew within the last second, the result may be too early; the new token then counts as revoked.
   */
  revokedUntil(user: string): Promise<number>;

  /** Returns the revocation of this user, if any. A revocation of everybody by a new record is not included. */
  userRevocation(user: string): Promise<UserRevocation | null>;

  isRevoked(token: IssuedToken): Promise<boolean>;

  /**
   * Records the exchange of a hand-off token for this long. Returns whether this is the first exchange: of several
   * concurrent calls, one returns `true`. If it throws, the exchange may have been recorded.
   */
  recordExchange(jti: string, keepSeconds: number): Promise<boolean>;
}

export interface SessionLedgerOptions {
  /** How long a revocation is kept, in seconds, which is longer than any token that it concerns is valid. */
  readonly keepSeconds: number;
  /** Returns milliseconds since the Unix epoch. */
  readonly now: () => number;
}
