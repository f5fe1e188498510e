import {
  HashStale,
  OutcomeUnknown,
  SidecarError,
  UserBlocked,
  UserUnknown,
  ValueAltered,
  WriteContended,
  WriteSuppressed,
} from "../errors.ts";
import type { HotCopy, HotFound, HotWrite } from "./hot-copy.ts";
import type { Replaced, Replacement, UserDirectory, UserRecord } from "./user-directory.ts";

export type RowWriteEvent =
  | "written"
  | "stale hit"
  | "stale refused"
  | "outcome unknown"
  | "write contended"
  | "value altered"
  | "write suppressed";

export interface RowWriterOptions {
  readonly directory: UserDirectory;
  readonly hotCopy: HotCopy;
  /** `COHERENCE_STATEMENT_MS`, which is also how long after reading the row an UPDATE may still take effect. */
  readonly statementMs: number;
  readonly onEvent: (event: RowWriteEvent, loginId: string) => void;
}

export interface RowWrite {
  /** The row that was just read. The user is not blocked, unless the write erases. */
  readonly user: UserRecord;
  readonly ownIdData: string | null;
  /**
   * `null` overwrites whatever the row holds, unless the hash contradicts it. Otherwise, the row is overwritten only
   * while it holds what `user` shows, and only if this function accepts what BEGIN found in the hash.
   */
  readonly onlyIf: ((found: HotFound) => boolean) | null;
  /** How long the write has waited for its turn before the row was read. Its deadline is so much earlier. */
  readonly waitedMs?: number;
  /** Overwrites whatever the row and the hash hold, even if the user is blocked. `onlyIf` is ignored. */
  readonly erases?: boolean;
  /** The beginning of the new lease token, for a caller that must recognize it later. */
  readonly token?: string;
}

/** The condition of a write no longer holds. Nothing was written. */
export class RowChanged extends WriteContended {}

/** How a write ended. */
interface Outcome {
  /** What the row holds, for the hash; `null` stores nothing. */
  readonly held: string | null;
  /**
   * Whether no UPDATE of this write can take effect any more. If `false`, END must not run, since the marker protects
   * lookups.
   */
  readonly isOver: boolean;
  readonly failure: SidecarError | null;
}

const unread = "the UPDATE ended, but the row could not be read back";

/** Maximum number of compare-and-set attempts when the row keeps changing. */
const triesMax = 3;

/**
 * Creates the steps of SET from BEGIN on, as DESIGN.md numbers them. The returned function resolves when the row was
 * seen to hold exactly what was sent.
 *
 * @throws {HashStale} | {WriteContended} | {WriteSuppressed} | {UserUnknown} | {UserBlocked} | {DatabaseUnavailable}
 * | {HotCopyUnavailable} nothing was written
 * @throws {ValueAltered} the UPDATE was committed, but the row does not hold what was sent
 * @throws {OutcomeUnknown} the write may have happened, or may still happen within a few seconds
 */
export function createRowWriter({ directory, hotCopy, statementMs, onEvent }: RowWriterOptions) {
  /**
   * Returns whether the hash was stale at BEGIN, and sets its stale mark if so. The hash was stale if its value differs
   * from the row and no other write has begun since, because only the site can then have changed the row.
   */
  async function isStale({ found, markStale }: HotWrite, row: UserRecord): Promise<boolean> {
    return found.value !== null && found.value !== row.ownIdData && (await markStale());
  }

  function refuse(event: "stale hit" | "stale refused", { loginId }: UserRecord): never {
    onEvent(event, loginId);
    throw new HashStale();
  }

  /**
   * Returns the row to overwrite. Refuses if the caller may have read the user's devices from a hash that was wrong.
   */
  async function uncontradicted(write: HotWrite, user: UserRecord): Promise<UserRecord> {
    if (write.found.isStale) refuse("stale refused", user);
    if (write.found.value === null || write.found.value === user.ownIdData) return user;
    // Another write may have ended between the first read and BEGIN. The hash then agrees with the row as it is now.
    const again = unblocked(await directory.find(user.loginId));
    return (await isStale(write, again)) ? refuse("stale hit", again) : again;
  }

  /** Returns "lost" if the database did not report the outcome of the UPDATE and the row holds what was sent. */
  async function replace(change: Replacement): Promise<Replaced | "lost"> {
    try {
      return await directory.replaceOwnIdData(change);
    } catch (error) {
      if (!(error instanceof OutcomeUnknown)) throw error;
      onEvent("outcome unknown", change.loginId);
      const row = await directory.find(change.loginId).catch(() => null);
      if (row?.ownIdData !== change.replacement) throw error;
      return "lost";
    }
  }

  /**
   * Reads the row after an UPDATE that is over. Returns `null` if it is gone, and "unread" if the database did not
   * answer.
   */
  async function readBack(loginId: string): Promise<UserRecord | null | "unread"> {
    return directory.find(loginId).catch((error) => (error instanceof UserUnknown ? null : "unread"));
  }

  /** UPDATE: repeats the compare-and-set until it succeeds, with one deadline for all attempts. */
  async function update(write: HotWrite, first: UserRecord, request: RowWrite): Promise<Outcome> {
    const { user, ownIdData, onlyIf, waitedMs = 0, erases = false } = request;
    const { loginId } = user;
    const deadlineMs = user.databaseTimeMs + statementMs - waitedMs;
    let seen = first;
    let refusedWithoutReason = 0;
    for (let tries = 1; tries <= triesMax && seen.databaseTimeMs < deadlineMs; tries += 1) {
      const change = {
        loginId,
        expected: seen.ownIdData,
        replacement: ownIdData,
        deadlineMs,
        evenIfBlocked: erases,
      };
      const replaced = await replace(change);
      if (replaced === "lost") return { held: null, isOver: false, failure: null };
      if (replaced === "holds") return { held: ownIdData, isOver: true, failure: null };
      const row = await readBack(loginId);
      if (row === "unread") return { held: null, isOver: true, failure: new OutcomeUnknown(unread) };
      if (row?.ownIdData === ownIdData || replaced === "changed") return afterCommit(row, request);
      seen = erases ? present(row) : unblocked(row);
      if (seen.ownIdData === change.expected && seen.databaseTimeMs < deadlineMs) refusedWithoutReason += 1;
      if (erases) continue;
      if (onlyIf !== null && seen.ownIdData !== user.ownIdData) throw new RowChanged();
      if (onlyIf === null && (await isStale(write, seen))) refuse("stale hit", seen);
    }
    const isSuppressed = refusedWithoutReason === triesMax;
    onEvent(isSuppressed ? "write suppressed" : "write contended", loginId);
    throw isSuppressed ? new WriteSuppressed() : new WriteContended();
  }

  function afterCommit(row: UserRecord | null, { user, ownIdData }: RowWrite): Outcome {
    const held = row === null || row.blocked ? null : row.ownIdData;
    if (row?.ownIdData === ownIdData) return { held, isOver: true, failure: null };
    onEvent("value altered", user.loginId);
    return { held, isOver: true, failure: new ValueAltered() };
  }

  async function outcomeOf(write: HotWrite, request: RowWrite): Promise<Outcome> {
    const { user, onlyIf, erases = false } = request;
    try {
      if (!erases && onlyIf?.(write.found) === false) throw new RowChanged();
      const seen = onlyIf === null && !erases ? await uncontradicted(write, user) : user;
      return await update(write, seen, request);
    } catch (failure) {
      if (!(failure instanceof SidecarError)) throw failure;
      return { held: null, isOver: !(failure instanceof OutcomeUnknown), failure };
    }
  }

  return async (request: RowWrite): Promise<void> => {
    const write = await hotCopy.begin(request.user.loginId, request.token);
    const { held, isOver, failure } = await outcomeOf(write, request);
    if (isOver) await write.end(held);
    if (failure !== null) throw failure;
    onEvent("written", request.user.loginId);
  };
}

function unblocked(row: UserRecord | null): UserRecord {
  const user = present(row);
  if (user.blocked) throw new UserBlocked();
  return user;
}

function present(row: UserRecord | null): UserRecord {
  if (row === null) throw new UserUnknown();
  return row;
}
