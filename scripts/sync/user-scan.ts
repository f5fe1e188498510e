/** One user in the order of the table. */
export interface ListedUser {
  /** The stored login id. */
  readonly loginId: string;
  /** Whether there is any data, neither `NULL` nor empty, and the user is not blocked. */
  readonly isEnrolled: boolean;
}

/**
 * Reads the whole user table in limited pages, for the commands that visit every user. It changes nothing. The table
 * must have passed `UserDirectory.verifyConnection`.
 *
 * Every method throws `DatabaseUnavailable` if there is no answer within the deadline, after lost connections have
 * been retried.
 */
export interface UserScan {
  /** Returns the number of rows, or `null` if counting them takes longer than one statement may. */
  count(): Promise<number | null>;

  /**
   * Returns at most `size` users that follow `after`, in the order of the login id column's collation; `null` starts
   * at the beginning. An empty page means the end. A page is shorter only where users end, and not where few are
   * enrolled.
   *
   * Each user that stays in the table during the scan is listed once. A user who is inserted or deleted meanwhile may
   * be listed or not.
   */
  list(after: string | null, size: number): Promise<readonly ListedUser[]>;

  /**
   * Returns the data of the users whose stored login id is exactly one of these and who are not blocked. Others are
   * not in the map.
   */
  read(loginIds: readonly string[]): Promise<ReadonlyMap<string, string | null>>;

  /** Finishes the statements in flight, then disconnects. */
  close(): Promise<void>;
}
