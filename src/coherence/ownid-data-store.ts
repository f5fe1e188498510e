import type { HotHolding } from "./hot-copy.ts";
import type { SessionUser, UserRecord } from "./user-directory.ts";

/** The user's row, and what the cache holds under the stored login id. */
export interface HeldUser {
  readonly user: UserRecord;
  readonly hot: HotHolding;
}

/**
 * What the endpoints need from the layers below. For each login id, `get` and `set` behave as one register: `get`
 * returns the value that the primary database held at some instant during the call.
 *
 * `get`, `set`, `findForSession` and `inspect` throw `UserUnknown`. Every method throws `DatabaseUnavailable`, `Overloaded` or
 * `HotCopyUnavailable` if it cannot answer truthfully.
 */
export interface OwnIdDataStore {
  /**
   * Returns the user's data, or `null` if the user has none.
   *
   * @throws {UserBlocked} if the database had to be asked
   */
  get(loginId: string): Promise<string | null>;

  /**
   * Resolves when the primary database has committed the value and the row was seen to hold it.
   *
   * @throws {UserBlocked} | {OwnIdDataTooLong} | {WriteContended} | {WriteSuppressed} nothing was written
   * @throws {HashStale} nothing was written; the caller may have acted on a value that the row did not hold
   * @throws {ValueAltered} the write was committed, but the row does not hold the value
   * @throws {OutcomeUnknown} the write may have happened, or may still happen within a few seconds
   */
  set(loginId: string, ownIdData: string): Promise<void>;

  /**
   * Returns the user as the primary database has them now, if a session may be issued.
   *
   * @throws {UserBlocked}
   * @throws {HashStale} the caller may have acted on a value that the row did not hold
   */
  findForSession(loginId: string): Promise<SessionUser>;

  /**
   * Returns everything that the database and the cache hold about a user.
   *
   * @throws {HotCopyUnavailable} it is not known what the cache holds
   */
  inspect(loginId: string): Promise<HeldUser>;

  /**
   * Erases the user's data from the row and from the cache, whatever they hold, and even if the user is blocked. For
   * an unknown user, the values under every spelling are removed from the cache before `UserUnknown` is thrown. A
   * failed call can be repeated.
   *
   * @throws the errors of `set`, except `UserBlocked` and `HashStale`
   * @throws {ErasureIncomplete} the row holds no data any more, but the cache may still hold some
   */
  erase(loginId: string): Promise<void>;

  /**
   * Makes lookups forget a row that somebody else has changed: no later `get` returns what the cache held before.
   *
   * @throws {HotCopyUnavailable} lookups may still return it
   */
  invalidate(loginId: string): Promise<void>;

  /** Does the same for every user. */
  invalidateAll(): Promise<void>;
}
