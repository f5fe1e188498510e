/** What the site's user table says about one user. */
export interface UserRecord {
  /** The login id as the table stores it, which a collation may spell otherwise than the request did. */
  readonly loginId: string;
  /** `null` and `""` both mean that the user has no data. */
  readonly ownIdData: string | null;
  readonly blocked: boolean;
  /** The database's own clock when the row was read, in milliseconds since the Unix epoch. */
  readonly databaseTimeMs: number;
}

export interface Replacement {
  /** As the table stores it: `UserRecord.loginId`. */
  readonly loginId: string;
  /** The value that must still be there, byte for byte. */
  readonly expected: string | null;
  readonly replacement: string | null;
  /** Whether the row of a blocked user may be changed, too. */
  readonly evenIfBlocked?: boolean;
  /** On the database's clock: from this instant on, the statement changes nothing. */
  readonly deadlineMs: number;
}

/**
 * What the database says of an UPDATE. `unchanged`: it has changed no row, because no user who may be changed has exactly
 * this login id, the row does not hold `expected`, or the deadline had passed; or because a trigger or a rule dropped the
 * change. `changed`: it has changed the row and has committed, but a trigger may have altered the value, so `find` must
 * tell what the row holds. `holds`: it has committed, and the row holds exactly the replacement.
 */
export type Replaced = "unchanged" | "changed" | "holds";

/** The primary database: the record of which users exist and what `ownIdData` they have. */
export interface UserDirectory {
  /**
   * Connects, and checks that the configured table and columns can do the work.
   *
   * @throws {ConfigurationInvalid} the database answers, but the table or the account does not fit
   * @throws {DatabaseUnavailable} no answer; calling again may succeed
   */
  verifyConnection(): Promise<void>;

  /**
   * Reads a user from the primary database. Lost connections are tried again within the deadline.
   *
   * @throws {UserUnknown} no such user, as the primary says
   * @throws {DatabaseUnavailable} no answer in time; several rows for one login id; or a server whose rows are no answer,
   *   such as a replica
   * @throws {Overloaded} too many statements are waiting already
   */
  find(loginId: string): Promise<UserRecord>;

  /** Whether the column can hold it. */
  fits(ownIdData: string): boolean;

  /** Returns what the column is to hold for a user without data: `""` where it takes no NULL. */
  noData(): null | "";

  /**
   * Compare-and-set of one user's `ownIdData`, fenced by the database's clock.
   *
   * @throws {DatabaseUnavailable} | {OwnIdDataTooLong} | {Overloaded} known not to have been done
   * @throws {OutcomeUnknown} it may have been committed, or may yet be until the deadline, or it has changed several rows;
   *   never sent twice
   */
  replaceOwnIdData(change: Replacement): Promise<Replaced>;

  /** Lets statements under way finish, then disconnects. */
  close(): Promise<void>;
}
