import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { type HotCopy, withoutHotCopy } from "../../src/coherence/hot-copy.ts";
import type { Replacement, UserDirectory, UserRecord } from "../../src/coherence/user-directory.ts";
import { createWriteThrough, type StoreEvent } from "../../src/coherence/write-through.ts";
import { createSqlDirectory } from "../../src/directory/sql-directory.ts";
import { withoutTls } from "./database-tls.ts";
import { createUsers, userTableNames } from "./user-table.ts";

/** The statement limit, as in COHERENCE_STATEMENT_MS. */
export const statementMs = 2000;
export const sol = "sol@testmail.com";

/** What fails, or what another writer does, before or after a step of the directory. `nth` counts from 1. */
export interface Interference {
  beforeFind?(nth: number): void;
  afterFind?(user: UserRecord, nth: number): UserRecord;
  beforeReplace?(nth: number): void;
  afterReplace?(nth: number): void;
  fits?(): boolean;
}

/**
 * Creates a store over a real SQLite table with one user, whose login id is case-insensitive. The directory fails where
 * the test says.
 */
export async function storeOver(
  data: string | null,
  interference: Interference = {},
  hotCopy: HotCopy = withoutHotCopy,
) {
  const folder = temporaryFolder();
  const path = folder.at("users.db");
  const table = createUsers(path, [{ email: sol, ownIdData: data }], "NOCASE");
  const real = createSqlDirectory({
    kind: "sqlite",
    url: path,
    poolMax: 2,
    prepare: true,
    tls: withoutTls,
    statementMs,
    names: userTableNames,
  });
  await real.verifyConnection();
  const finds: UserRecord[] = [];
  const replacements: Replacement[] = [];
  const events: StoreEvent[] = [];
  let found = 0;

  function interfered<User extends UserRecord>(read: (loginId: string) => Promise<User>) {
    return async (loginId: string): Promise<User> => {
      found += 1;
      const nth = found;
      interference.beforeFind?.(nth);
      const user = await read(loginId);
      const seen = { ...user, ...interference.afterFind?.(user, nth) };
      finds.push(seen);
      return seen;
    };
  }

  const directory: UserDirectory = {
    ...real,
    find: interfered(real.find),
    findForSession: interfered(real.findForSession),
    fits: (ownIdData) => interference.fits?.() ?? real.fits(ownIdData),
    async replaceOwnIdData(change) {
      replacements.push(change);
      const nth = replacements.length;
      interference.beforeReplace?.(nth);
      const committed = await real.replaceOwnIdData(change);
      interference.afterReplace?.(nth);
      return committed;
    },
  };

  return {
    store: createWriteThrough({
      directory,
      hotCopy,
      statementMs,
      auditShare: 0,
      onEvent: (event) => events.push(event),
    }),
    events,
    table,
    finds,
    replacements,
    async [Symbol.asyncDispose]() {
      await real.close();
      table.close();
      folder[Symbol.dispose]();
    },
  };
}

export function failWith(error: Error): () => never {
  return () => {
    throw error;
  };
}
