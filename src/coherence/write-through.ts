import {
  ErasureIncomplete,
  HashStale,
  OwnIdDataTooLong,
  UserBlocked,
  UserUnknown,
  WriteContended,
} from "../errors.ts";
import type { HotCopy, HotRead, HotValue } from "./hot-copy.ts";
import type { HeldUser, OwnIdDataStore } from "./ownid-data-store.ts";
import { createRowWriter, type RowWriteEvent } from "./row-write.ts";
import { createSharedReads } from "./shared-reads.ts";
import type { SessionUser, UserDirectory, UserRecord } from "./user-directory.ts";
import { createWriteQueue } from "./write-queue.ts";

export type StoreEvent = RowWriteEvent | "audited";

export interface WriteThroughOptions {
  readonly directory: UserDirectory;
  readonly hotCopy: HotCopy;
  /** `COHERENCE_STATEMENT_MS`, which is also how long after reading the row an UPDATE may still take effect. */
  readonly statementMs: number;
  /** The share of hits that are read again from the database, from 0 to 1. */
  readonly auditShare: number;
  readonly onEvent: (event: StoreEvent, loginId: string) => void;
}

/** What the database says about a login id. */
interface Answer {
  /** The stored login id; `null` if there is no such user. */
  readonly loginId: string | null;
  readonly ownIdData: string | null;
  readonly blocked: boolean;
}

/**
 * Creates the store: the primary database is the record, and every `set` is written through the cache. Each method is
 * a step of DESIGN.md, which explains why a hit is always the value of the database.
 */
export function createWriteThrough(options: WriteThroughOptions): OwnIdDataStore {
  const { directory, hotCopy, statementMs, auditShare, onEvent } = options;
  const reads = createSharedReads<Answer>();
  const writeRow = createRowWriter(options);
  const writes = createWriteQueue({
    limitMs: statementMs,
    onRefused: (loginId) => onEvent("write contended", loginId),
  });

  async function ask(loginId: string): Promise<Answer> {
    try {
      return await directory.find(loginId);
    } catch (error) {
      if (error instanceof UserUnknown) return { loginId: null, ownIdData: null, blocked: false };
      throw error;
    }
  }

  /** FILL, after a miss. The command is sent before any command that a waiting lookup sends for the same hash. */
  async function fill(asked: string, read: HotRead, { loginId, ownIdData, blocked }: Answer): Promise<void> {
    if (read.state === "miss" && ownIdData && loginId === asked && !blocked) await read.fill(ownIdData);
  }

  async function lookAgain(loginId: string): Promise<Answer | null> {
    const hit = await hotCopy.peek(loginId);
    return hit === null ? null : { loginId, ownIdData: hit, blocked: false };
  }

  async function get(loginId: string): Promise<string | null> {
    const read = await hotCopy.read(loginId);
    if (read.state === "hit") {
      if (auditShare > 0 && Math.random() < auditShare) audit(loginId).catch(() => {});
      return read.value;
    }
    const found = await reads.join(loginId, {
      lookAgain: () => lookAgain(loginId),
      send: () => ask(loginId),
      cache: (answer) => fill(loginId, read, answer),
    });
    if (read.state === "stale") await read.clear();
    if (found.loginId === null) throw new UserUnknown();
    if (found.blocked) throw new UserBlocked();
    // Sessions are refused until a lookup has cleared the stale mark, which stands under the stored login id.
    if (found.loginId !== loginId && (await hotCopy.look(found.loginId)).isStale) return get(found.loginId);
    return found.ownIdData === "" ? null : found.ownIdData;
  }

  /** Compares a share of the hits with the row, in the background. A hit that is wrong gets the stale mark. */
  async function audit(loginId: string): Promise<void> {
    onEvent("audited", loginId);
    const { held } = await hotCopy.look(loginId);
    if (held === null) return;
    const { ownIdData, blocked } = await ask(loginId);
    if (held.value === ownIdData && !blocked) return;
    if (await hotCopy.markStale(loginId, held)) onEvent("stale hit", loginId);
  }

  async function set(loginId: string, ownIdData: string, waitedMs: number): Promise<void> {
    let user = await findUnblocked(loginId, directory.find);
    if (!directory.fits(ownIdData)) throw new OwnIdDataTooLong();
    if (user.ownIdData === ownIdData) {
      if ((await hotCopy.peek(user.loginId)) === ownIdData) return;
      await purgeUnlocked(user.loginId);
      // A push may have written the row since it was read. None that began before the purge can write it any more.
      user = await findUnblocked(user.loginId, directory.find);
      if (user.ownIdData === ownIdData) return;
    }
    await writeRow({ user, ownIdData, mode: "overwrite", waitedMs });
  }

  /**
   * Purges the hash of a row that already holds what was asked for.
   *
   * @throws {WriteContended} a write that has the write lock may still change the row
   */
  async function purgeUnlocked(loginId: string): Promise<void> {
    const { isLocked } = await hotCopy.purge(loginId);
    if (!isLocked) return;
    onEvent("write contended", loginId);
    throw new WriteContended();
  }

  /** Reads the row. If there is none, or the user is blocked, purges the hash before it throws. */
  async function findUnblocked<User extends UserRecord>(
    loginId: string,
    read: (loginId: string) => Promise<User>,
  ): Promise<User> {
    const user = await read(loginId).catch(async (error) => {
      if (error instanceof UserUnknown) await forget(loginId);
      throw error;
    });
    if (!user.blocked) return user;
    for (const spelling of new Set([loginId, user.loginId])) await forget(spelling);
    throw new UserBlocked();
  }

  /** Purges the hash. If Redis cannot be reached, lookups hit the value until it expires. */
  async function forget(loginId: string): Promise<void> {
    await hotCopy.purge(loginId).catch(() => null);
  }

  /** SESSION: refuses if a lookup may have returned another value than the row holds. */
  async function findForSession(loginId: string): Promise<SessionUser> {
    const looking = hotCopy.look(loginId);
    let user = await findUnblocked(loginId, directory.findForSession);
    for (const spelling of new Set([loginId, user.loginId])) {
      const { held, isStale } = await (spelling === loginId ? looking : hotCopy.look(spelling));
      if (isStale) {
        onEvent("stale refused", loginId);
        throw new HashStale();
      }
      if (held === null) continue;
      if (held.value !== user.ownIdData) user = await readAgain(user, spelling, held);
      if (spelling !== user.loginId) await forget(spelling);
    }
    return user;
  }

  /** Reads the row once more: another write may have ended since, and the hash may agree with the row as it is now. */
  async function readAgain(user: SessionUser, spelling: string, held: HotValue): Promise<SessionUser> {
    const again = await findUnblocked(user.loginId, directory.findForSession);
    if (held.value !== again.ownIdData && (await hotCopy.markStale(spelling, held))) {
      onEvent("stale hit", user.loginId);
      throw new HashStale();
    }
    return again;
  }

  async function inspect(loginId: string): Promise<HeldUser> {
    const user = await directory.find(loginId);
    return { user, hot: await hotCopy.inspect(user.loginId) };
  }

  /** ERASE: writes no data over whatever the row holds. */
  async function erase(loginId: string, waitedMs: number): Promise<void> {
    let user = await directory.find(loginId).catch(async (error) => {
      if (error instanceof UserUnknown) await invalidate(loginId);
      throw error;
    });
    const ownIdData = directory.noData();
    if (user.ownIdData === ownIdData) {
      await purgeUnlocked(user.loginId).catch(asErasureIncomplete);
      user = await directory.find(user.loginId);
    }
    if (user.ownIdData !== ownIdData) await writeRow({ user, ownIdData, mode: "erase", waitedMs });
    for (const spelling of new Set([loginId, user.loginId])) {
      await purgeUnlocked(spelling).catch(asErasureIncomplete);
    }
  }

  /**
   * Purges the hash under the spelling that was sent and under the stored one. If the user no longer exists, the
   * stored spelling is unknown, so every spelling is purged.
   */
  async function invalidate(loginId: string): Promise<void> {
    await hotCopy.purge(loginId);
    const user = await ask(loginId);
    if (user.loginId === null) await hotCopy.purgeSpellings(loginId);
    else if (user.loginId !== loginId) await hotCopy.purge(user.loginId);
  }

  return {
    get,
    set: (loginId, ownIdData) => writes.run(loginId, (waitedMs) => set(loginId, ownIdData, waitedMs)),
    findForSession,
    inspect,
    erase: (loginId) => writes.run(loginId, (waitedMs) => erase(loginId, waitedMs)),
    invalidate,
    invalidateAll: hotCopy.purgeAll,
  } satisfies OwnIdDataStore;
}

function asErasureIncomplete(error: unknown): never {
  throw error instanceof WriteContended ? error : new ErasureIncomplete("Redis gives no answer");
}
