import type { UserDirectory, UserRecord } from "../directory/user-directory.ts";
import { OutcomeUnknown, UserBlocked, WriteContended } from "../errors.ts";
import type { OwnIdDataStore } from "./ownid-data-store.ts";

export interface WriteThroughOptions {
  readonly directory: UserDirectory;
  /** The limit of one database statement in milliseconds, and so of the time a write may take effect in. */
  readonly statementMs: number;
}

/** A write that finds the row changed reads it again and tries again, so often at most. */
const triesMax = 3;

/**
 * The store over the primary database. A `set` is a compare-and-set against the value it read, fenced by
 * the database's own clock: a statement that was stuck on its way and arrives late changes nothing, and no
 * writer overwrites a value that it has not seen.
 */
export function createWriteThrough({ directory, statementMs }: WriteThroughOptions): OwnIdDataStore {
  async function findForSession(loginId: string): Promise<UserRecord> {
    const user = await directory.find(loginId);
    if (user.blocked) throw new UserBlocked();
    return user;
  }

  return {
    async get(loginId) {
      const { ownIdData } = await directory.find(loginId);
      return ownIdData === "" ? null : ownIdData;
    },

    async set(loginId, ownIdData) {
      let user = await findForSession(loginId);
      directory.ensureFits(ownIdData);
      const deadlineMs = user.databaseTimeMs + statementMs;
      for (let tries = 1; user.ownIdData !== ownIdData; tries += 1) {
        if (tries > triesMax || user.databaseTimeMs >= deadlineMs) throw new WriteContended();
        if (await replace(directory, user, ownIdData, deadlineMs)) return;
        user = await directory.find(user.loginId);
      }
    },

    findForSession,
  } satisfies OwnIdDataStore;
}

/** One try. An outcome that stayed unknown is settled where possible: the row reads as we wrote it. */
async function replace(directory: UserDirectory, user: UserRecord, replacement: string, deadlineMs: number) {
  const { loginId, ownIdData: expected } = user;
  try {
    return await directory.replaceOwnIdData({ loginId, expected, replacement, deadlineMs });
  } catch (error) {
    if (!(error instanceof OutcomeUnknown)) throw error;
    const now = await directory.find(loginId).catch(() => null);
    if (now?.ownIdData !== replacement) throw error;
    return true;
  }
}
