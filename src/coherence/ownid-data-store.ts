import type { HotHolding } from "./hot-copy.ts";
import type { UserRecord } from "./user-directory.ts";

/** The row, and what the hot copy holds under the login id as the row spells it. */
export interface HeldUser {
  readonly user: UserRecord;
  readonly hot: HotHolding;
}

/**
 * What the endpoints need of everything below them. For each login id, `get` and `set` behave as one
 * register: a `get` answers the primary database's value at some instant during the call.
 *
 * `get`, `set` and `findForSession` throw `UserUnknown`; every method throws `DatabaseUnavailable`, `Overloaded` or
 * `HotCopyUnavailable` when there is no honest answer.
 */
export interface OwnIdDataStore {
  /**
   * The user's data, or `null` when the user has none.
   *
   * @throws {UserBlocked} as far as the database had to be asked
   */
  get(loginId: string): Promise<string | null>;

  /**
   * Resolves when the primary database has committed the value, and the row has been read back and holds it.
   *
   * @throws {UserBlocked} | {OwnIdDataTooLong} | {WriteContended} | {WriteSuppressed} known not to have been written
   * @throws {HashStale} nothing was written: the caller may have acted on a value that the row did not hold
   * @throws {ValueAltered} it was written, and the row does not hold it
   * @throws {OutcomeUnknown} it may have been written, or may yet be for a few seconds
   */
  set(loginId: string, ownIdData: string): Promise<void>;

  /**
   * The user as the primary database has them now, fit to be given a session.
   *
   * @throws {UserBlocked}
   * @throws {HashStale} the caller may have acted on a value that the row did not hold
   */
  findForSession(loginId: string): Promise<UserRecord>;

  /**
   * Everything that the database and the hot copy hold about a user, for somebody who may see all of it.
   *
   * @throws {HotCopyUnavailable} what the hot copy holds is not known
   */
  inspect(loginId: string): Promise<HeldUser>;

  /**
   * Erases the user's data: the row holds none, and nor does the hot copy. Also of a blocked user, and whatever the row
   * or a stale hash holds. Of an unknown user, everything that the hot copy holds under any spelling is forgotten
   * before `UserUnknown` is thrown. It may be repeated after every failure.
   *
   * @throws the failures of `set`, save that a user may be blocked and a hash may be stale
   * @throws {HotCopyUnavailable} the row may hold none any more, but the hot copy may still hold some
   */
  erase(loginId: string): Promise<void>;

  /**
   * The row was changed by somebody else: no later `get` answers what was held of it before.
   *
   * @throws {HotCopyUnavailable} it may still be believed
   */
  invalidate(loginId: string): Promise<void>;

  /** The same for every user. */
  invalidateAll(): Promise<void>;
}
