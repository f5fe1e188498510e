/** One user in the order of the table. */
export interface ListedUser {
  /** As the table stores it. */
  readonly loginId: string;
  /** Whether there is any data, neither `NULL` nor empty, and the user is not blocked. */
  readonly isEnrolled: boolean;
}

/**
 * The whole user table in bounded pages, for the commands that go through every user. It changes nothing. The
 * table must have passed `UserDirectory.verifyConnection`.
 *
 * Every method throws `DatabaseUnavailable` when there is no answer within the deadline, after lost connections
 * have been tried again.
 */
export interface UserScan {
  /** How many rows there are, or `null` where counting them takes longer than one statement may. */
  count(): Promise<number | null>;

  /**
   * The users that follow `after`, at most `size`, in the order of the login id column's own collation; `null`
   * begins. Empty at the end, and only there: a page is short where users end, never where few are enrolled.
   *
   * Each user that stays in the table while it is gone through is listed once; who comes or goes meanwhile may
   * or may not be.
   */
  list(after: string | null, size: number): Promise<readonly ListedUser[]>;

  /** The data of the users whose stored login id is exactly one of these and who are not blocked. The others are not in the map. */
  read(loginIds: readonly string[]): Promise<ReadonlyMap<string, string | null>>;

  /** Lets statements under way finish, then disconnects. */
  close(): Promise<void>;
}
