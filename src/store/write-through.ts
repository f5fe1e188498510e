import type { Replacement, UserDirectory, UserRecord } from "../directory/user-directory.ts";
import {
  HashStale,
  OutcomeUnknown,
  OwnIdDataTooLong,
  SidecarError,
  UserBlocked,
  UserUnknown,
  WriteContended,
} from "../errors.ts";
import type { HotCopy, HotRead, HotWrite } from "./hot-copy.ts";
import type { OwnIdDataStore } from "./ownid-data-store.ts";
import { createSharedReads } from "./shared-reads.ts";

export type StoreEvent = "stale hit" | "audited" | "outcome unknown" | "write contended";

export interface WriteThroughOptions {
  readonly directory: UserDirectory;
  readonly hotCopy: HotCopy;
  /** D: the limit of one database statement in milliseconds, and so of the time a write may take effect in. */
  readonly statementMs: number;
  /** The share of hits that are read again from the database, 0 to 1. */
  readonly auditShare: number;
  readonly note: (event: StoreEvent) => void;
}

/** A write that finds the row changed reads it again and tries again, so often at most. */
const triesMax = 3;

/** Of an UPDATE. `read back`: its answer was lost, and the row reads as written. */
type Outcome = "committed" | "refused" | "read back";

/** What is known of a login id at some instant. */
interface Answer {
  /** As the database stores it; `null` of nobody's. */
  readonly loginId: string | null;
  readonly ownIdData: string | null;
}

/**
 * The store: the primary database is the record, the hot copy is written through on every `set`. Each method
 * is a step of this folder's README.md, which says why a hit is always the database's value.
 */
export function createWriteThrough(options: WriteThroughOptions): OwnIdDataStore {
  const { directory, hotCopy, statementMs, auditShare, note } = options;
  const reads = createSharedReads<Answer>();

  async function ask(loginId: string): Promise<Answer> {
    try {
      return await directory.find(loginId);
    } catch (error) {
      if (error instanceof UserUnknown) return { loginId: null, ownIdData: null };
      throw error;
    }
  }

  /** FILL, after a MISS. It travels before anything that a waiting reader asks of the same hash. */
  async function keep(asked: string, read: HotRead, { loginId, ownIdData }: Answer): Promise<void> {
    if (read.state === "miss" && ownIdData && loginId === asked) await read.fill(ownIdData);
  }

  async function lookAgain(loginId: string): Promise<Answer | null> {
    const hit = await hotCopy.peek(loginId);
    return hit === null ? null : { loginId, ownIdData: hit };
  }

  /** Whether the hash goes on holding a value that the database does not: writes in between are no alarm. */
  async function isStale(loginId: string, hit: string): Promise<boolean> {
    if ((await ask(loginId)).ownIdData === hit) return false;
    const hitAgain = await hotCopy.peek(loginId);
    return hitAgain === hit && hit !== (await ask(loginId)).ownIdData;
  }

  /** Re-reads a share of hits in the background and cries out at the first that is wrong. */
  async function audit(loginId: string, hit: string): Promise<void> {
    note("audited");
    if (!(await isStale(loginId, hit))) return;
    note("stale hit");
    await hotCopy.purge(loginId);
  }

  async function get(loginId: string): Promise<string | null> {
    const read = await hotCopy.read(loginId);
    if (read.state === "hit") {
      if (auditShare > 0 && Math.random() < auditShare) audit(loginId, read.value).catch(() => {});
      return read.value;
    }
    const found = await reads.join(loginId, {
      lookAgain: () => lookAgain(loginId),
      send: () => ask(loginId),
      keep: (answer) => keep(loginId, read, answer),
    });
    if (found.loginId === null) throw new UserUnknown();
    return found.ownIdData === "" ? null : found.ownIdData;
  }

  async function set(loginId: string, ownIdData: string): Promise<void> {
    const user = await findUnblocked(loginId);
    if (!directory.fits(ownIdData)) throw new OwnIdDataTooLong();
    if (user.ownIdData === ownIdData) return forgetUnlessHit(user.loginId, ownIdData);
    const write = await hotCopy.begin(user.loginId);
    await conclude(write, ownIdData, updateUntilItHolds(user, ownIdData));
  }

  /** Ends a write when its outcome is known; otherwise the marker keeps readers away until it lapses. */
  async function conclude(write: HotWrite, ownIdData: string, updating: Promise<Outcome>): Promise<void> {
    try {
      const outcome = await updating;
      if (outcome !== "read back") await write.end(outcome === "committed" ? ownIdData : null);
    } catch (error) {
      if (error instanceof SidecarError && !(error instanceof OutcomeUnknown)) await write.end(null);
      throw error;
    }
  }

  /** The database holds the value already; make sure that no reader believes another one. */
  async function forgetUnlessHit(loginId: string, value: string): Promise<void> {
    if ((await hotCopy.peek(loginId)) !== value) await hotCopy.purge(loginId);
  }

  /**
   * UPDATE: compare-and-set until it holds, fenced by one deadline for all tries.
   *
   * @throws {OutcomeUnknown} as `update`
   * @throws {WriteContended} | {UserUnknown} | {UserBlocked} | {DatabaseUnavailable} known not to have been done
   */
  async function updateUntilItHolds(user: UserRecord, ownIdData: string): Promise<Outcome> {
    const deadlineMs = user.databaseTimeMs + statementMs;
    let seen = user;
    for (let tries = 1; tries <= triesMax && seen.databaseTimeMs < deadlineMs; tries += 1) {
      const change = { loginId: user.loginId, expected: seen.ownIdData, replacement: ownIdData, deadlineMs };
      const outcome = await update(change);
      if (outcome !== "refused") return outcome;
      seen = await findUnblocked(user.loginId);
    }
    note("write contended");
    throw new WriteContended();
  }

  /** @throws {OutcomeUnknown} the answer was lost, and the row does not read as written (yet) */
  async function update(change: Replacement): Promise<Outcome> {
    try {
      return (await directory.replaceOwnIdData(change)) ? "committed" : "refused";
    } catch (error) {
      if (!(error instanceof OutcomeUnknown)) throw error;
      note("outcome unknown");
      const now = await ask(change.loginId).catch(() => null);
      if (now?.ownIdData !== change.replacement) throw error;
      return "read back";
    }
  }

  async function findUnblocked(loginId: string): Promise<UserRecord> {
    const user = await directory.find(loginId);
    if (user.blocked) throw new UserBlocked();
    return user;
  }

  /** SESSION: a hash that contradicts the database twice is dropped, and gives no session. */
  async function findForSession(loginId: string): Promise<UserRecord> {
    const peeking = hotCopy.peek(loginId);
    const user = await findUnblocked(loginId);
    const hit = await (user.loginId === loginId ? peeking : hotCopy.peek(user.loginId));
    if (hit === null || hit === user.ownIdData) return user;
    const again = await findUnblocked(loginId);
    const hitAgain = await hotCopy.peek(user.loginId);
    if (hitAgain !== hit || hit === again.ownIdData) return again;
    note("stale hit");
    await hotCopy.purge(user.loginId);
    throw new HashStale();
  }

  /** Under both spellings: the one that was sent, and the one the table stores, if the database says. */
  async function invalidate(loginId: string): Promise<void> {
    await hotCopy.purge(loginId);
    const user = await directory.find(loginId).catch((error) => {
      if (error instanceof UserUnknown) return null;
      throw error;
    });
    if (user !== null && user.loginId !== loginId) await hotCopy.purge(user.loginId);
  }

  return {
    get,
    set,
    findForSession,
    invalidate,
    invalidateAll: hotCopy.purgeAll,
  } satisfies OwnIdDataStore;
}
