import {
  DatabaseUnavailable,
  HashStale,
  OutcomeUnknown,
  SidecarError,
  UserBlocked,
  UserUnknown,
  ValueAltered,
  WriteContended,
  WriteSuppressed,
} from "../errors.ts";
import type { HotCopy, HotFound, HotWrite, RepeatableBegin } from "./hot-copy.ts";
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

/**
 * What a write may overwrite.
 *
 * `overwrite`: whatever the row holds, unless the hash contradicts it. `onlyIf`: only what the row held when it was
 * read, and only if the function accepts what BEGIN found in the hash. `erase`: whatever the row and the hash hold, even
 * if the user is blocked.
 */
export type WriteMode = "overwrite" | "erase" | { readonly onlyIf: (found: HotFound) => boolean };

export interface RowWrite {
  /** The row that was just read. Only `erase` may be given a blocked user. */
  readonly user: UserRecord;
  readonly ownIdData: string | null;
  readonly mode: WriteMode;
  /** How long the write has waited for its turn before the row was read. Its deadline is so much earlier. */
  readonly waitedMs?: number;
  /**
   * For a caller that runs the write again if a side did not answer. The hash then keeps the lease token of this write
   * after such a failure, until the marker lapses.
   */
  readonly repeatable?: RepeatableBegin;
}

/** The condition of an `onlyIf` write does not hold any more. Nothing was written. */
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
  function refuse(event: "stale hit" | "stale refused", { loginId }: UserRecord): never {
    onEvent(event, loginId);
    throw new HashStale();
  }

  /**
   * Returns the row, unless the hash was stale at BEGIN. The caller may then have read the user's devices from it, so the
   * hash gets the stale mark and the write is refused. A value that differs from the row was stale if no other write has
   * begun after BEGIN, because only the site can then have changed the row.
   */
  async function uncontradicted({ found, markStale }: HotWrite, row: UserRecord): Promise<UserRecord> {
    const differs = found.value !== null && found.value !== row.ownIdData;
    if (differs && (await markStale())) refuse("stale hit", row);
    return row;
  }

  /** Returns the row that the first UPDATE overwrites. Throws if what BEGIN found forbids the write. */
  async function firstRow(write: HotWrite, { user, mode }: RowWrite): Promise<UserRecord> {
    const { found } = write;
    if (mode === "overwrite") {
      if (found.isStale) refuse("stale refused", user);
      if (found.value === null || found.value === user.ownIdData) return user;
      // Another write may have ended between the first read and BEGIN. The hash then agrees with the row as it is now.
      return uncontradicted(write, unblocked(await directory.find(user.loginId)));
    }
    if (mode !== "erase" && !mode.onlyIf(found)) throw new RowChanged();
    return user;
  }

  /** Returns the row that the next UPDATE overwrites, after one that changed nothing. Throws if the row forbids it. */
  async function nextRow(
    write: HotWrite,
    row: UserRecord | null,
    { user, mode }: RowWrite,
  ): Promise<UserRecord> {
    if (mode === "erase") return present(row);
    const seen = unblocked(row);
    if (mode === "overwrite") return uncontradicted(write, seen);
    if (seen.ownIdData !== user.ownIdData) throw new RowChanged();
    return seen;
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
    const { user, ownIdData, mode, waitedMs = 0 } = request;
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
        evenIfBlocked: mode === "erase",
      };
      const replaced = await replace(change);
      if (replaced === "lost") return { held: null, isOver: false, failure: null };
      if (replaced === "holds") return { held: ownIdData, isOver: true, failure: null };
      const row = await readBack(loginId);
      if (row === "unread") return { held: null, isOver: true, failure: new OutcomeUnknown(unread) };
      if (row?.ownIdData === ownIdData || replaced === "changed") return afterCommit(row, request);
      seen = await nextRow(write, row, request);
      if (seen.ownIdData === change.expected && seen.databaseTimeMs < deadlineMs) refusedWithoutReason += 1;
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
    try {
      return await update(write, await firstRow(write, request), request);
    } catch (failure) {
      if (!(failure instanceof SidecarError)) throw failure;
      return { held: null, isOver: !(failure instanceof OutcomeUnknown), failure };
    }
  }

  async function begin({ user, repeatable }: RowWrite): Promise<HotWrite> {
    try {
      return await hotCopy.begin(user.loginId, repeatable);
    } catch (error) {
      if (error instanceof WriteContended) onEvent("write contended", user.loginId);
      throw error;
    }
  }

  return async (request: RowWrite): Promise<void> => {
    const write = await begin(request);
    const { held, isOver, failure } = await outcomeOf(write, request);
    if (isOver && !isRepeated(request, failure)) await write.end(held);
    if (failure !== null) throw failure;
    onEvent("written", request.user.loginId);
  };
}

/** Returns whether the caller will run the write again, and must then find its lease token in the hash. */
function isRepeated({ repeatable }: RowWrite, failure: SidecarError | null): boolean {
  if (repeatable === undefined || failure instanceof RowChanged) return false;
  return [DatabaseUnavailable, OutcomeUnknown, WriteContended].some((kind) => failure instanceof kind);
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
