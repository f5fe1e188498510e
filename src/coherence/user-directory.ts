/** What the user table says about one user. */
export interface UserRecord {
  /** The stored login id, which a collation may have found under another spelling. */
  readonly loginId: string;
  /** `null` and `""` both mean that the user has no data. */
  readonly ownIdData: string | null;
  readonly blocked: boolean;
  /** The database's clock when the row was read, in milliseconds since the Unix epoch. */
  readonly databaseTimeMs: number;
}

/** A value of a further column. */
export interface ColumnValue {
  /** What the column is declared to contain. */
  readonly kind: "text" | "number" | "boolean";
  /** As the database writes it, a number with all of its digits; `null` is NULL. */
  readonly text: string | null;
}

/** A user with what a session is made of. */
export interface SessionUser extends UserRecord {
  /** The columns that sessions are configured to read, by their names. */
  readonly columns: ReadonlyMap<string, ColumnValue>;
}

export interface Replacement {
  /** The stored login id, as in `UserRecord`. */
  readonly loginId: string;
  /** The value that the row must still hold, byte for byte. */
  readonly expected: string | null;
  readonly replacement: string | null;
  /** Whether the row of a blocked user may be changed, too. */
  readonly evenIfBlocked?: boolean;
  /** The instant on the database's clock from which the statement changes nothing. */
  readonly deadlineMs: number;
}

/**
 * What the database reports about an UPDATE.
 *
 * `unchanged`: it changed no row, because no user who may be changed has exactly this login id, the row does not hold
 * `expected`, or the deadline had passed; or because a trigger or a rule discarded the change. `changed`: it changed
 * the row and committed, but a trigger may have altered the value, so the row must be read with `find`. `holds`: it
 * committed, and the row holds exactly the replacement.
 */
export type Replaced = "unchanged" | "changed" | "holds";

/** The primary database, which is the record of the users and their `ownIdData`. */
export interface UserDirectory {
  /**
   * Connects, and checks that the configured table and columns are suitable.
   *
   * @throws {ConfigurationInvalid} the database answers, but the table or the account is not suitable
   * @throws {DatabaseUnavailable} the database does not answer; a later call may succeed
   */
  verifyConnection(): Promise<void>;

  /**
   * Reads a user from the primary database. Lost connections are retried within `COHERENCE_STATEMENT_MS`.
   *
   * @throws {UserUnknown} the primary has no such user
   * @throws {DatabaseUnavailable} no answer in time, several rows for one login id, or a server whose rows cannot be
   * used, such as a replica
   * @throws {Overloaded} too many statements are waiting already
   */
  find(loginId: string): Promise<UserRecord>;

  /** Reads a user as `find` does, in one statement with the columns that a session needs. It throws what `find` throws. */
  findForSession(loginId: string): Promise<SessionUser>;

  /** Returns whether the column can hold the value. */
  fits(ownIdData: string): boolean;

  /** Returns what the column holds for a user without data: `""` if it does not accept NULL. */
  noData(): null | "";

  /**
   * Replaces one user's `ownIdData` by compare-and-set, unless the deadline has passed. The statement is sent
   * again only if the database reported that it did nothing.
   *
   * @throws {DatabaseUnavailable} | {OwnIdDataTooLong} | {Overloaded} nothing was written
   * @throws {OutcomeUnknown} the write may have been committed, may still be until the deadline, or has changed
   * several rows
   */
  replaceOwnIdData(change: Replacement): Promise<Replaced>;

  /** Finishes the statements in flight, then disconnects. */
  close(): Promise<void>;
}
