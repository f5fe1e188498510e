import { Database } from "bun:sqlite";
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, rmSync } from "node:fs";
import { codeOf } from "../../src/error-code.ts";
import { UsageWrong } from "../command.ts";
import { keptFile } from "./kept-file.ts";

/** One user whose hash will be written through: digests of what both sides held when it was listed. */
export interface PlannedPush {
  readonly loginId: string;
  readonly row: Digest;
  readonly hash: Digest;
  /** The hash's value, kept from just before BEGIN removes it until the row holds it; `null` before. */
  readonly value: string | null;
  /**
   * The beginning of the hash's lease token once the first BEGIN for the value has run, until another writer begins.
   * It is `null` before, and empty once it cannot be known any more whether another writer has begun.
   */
  readonly token: string | null;
}

export type Digest = string;

interface PlanCounts {
  readonly planned: number;
  /** How many have a value in the plan. */
  readonly open: number;
  /** How many of these are held back. */
  readonly unproven: number;
}

export type PushPlan = ReturnType<typeof openPushPlan>;

/** SHA-256, so that the plan contains no value. A row without data has a digest, too. */
export function digestOf(value: string | null): Digest {
  return createHash("sha256")
    .update(value === null ? "null" : `=${value}`)
    .digest("base64url");
}

/**
 * Opens what the last listing found, in a file that only this account can read. Entries that are done are removed.
 * The file is also a journal: BEGIN removes the hash's value, and until the row holds it, only this file does. A push
 * that was killed is therefore finished by the next one.
 *
 * @throws {UsageWrong} the file holds values on their way into another table, or another push has it open
 */
export function openPushPlan(place: string, redis: string) {
  const file = keptFile("sync-push.db");
  const database = new Database(file, { create: true, strict: true });
  chmodSync(file, 0o600);
  lockFile(database, file);
  database.run("PRAGMA synchronous = FULL");
  database.run("CREATE TABLE IF NOT EXISTS listing (place TEXT, redis TEXT, listedAt TEXT)");
  database.run(
    "CREATE TABLE IF NOT EXISTS planned (loginId TEXT PRIMARY KEY, row TEXT, hash TEXT, value TEXT, token TEXT) WITHOUT ROWID",
  );
  const listing = database.query<{ place: string; redis: string; listedAt: string }, []>(
    "SELECT * FROM listing",
  );
  const counts = database.query<PlanCounts, []>(
    "SELECT count(*) AS planned, count(value) AS open, count(*) FILTER (WHERE token = '') AS unproven FROM planned",
  );
  const following = database.query<PlannedPush, [string, number]>(
    "SELECT * FROM planned WHERE loginId > ? ORDER BY loginId LIMIT ?",
  );
  const insert = database.query("INSERT OR IGNORE INTO planned VALUES (?, ?, ?, NULL, NULL)");
  const keepValue = database.query<{ token: string }, [string, string, string]>(
    "UPDATE planned SET value = ?, token = coalesce(token, ?) WHERE loginId = ? RETURNING token",
  );
  const dropValue = database.query("UPDATE planned SET value = NULL, token = NULL WHERE loginId = ?");
  const forgetToken = database.query("UPDATE planned SET token = '' WHERE loginId = ?");
  const remove = database.query("DELETE FROM planned WHERE loginId = ?");
  const count = () => counts.get() ?? { planned: 0, open: 0, unproven: 0 };

  const known = listing.get();
  if (known !== null && known.place !== place && count().open > 0) {
    database.close();
    throw new UsageWrong(
      `${file} holds values on their way into another table or under another prefix: finish that push, or move the file away.`,
    );
  }

  return {
    file,

    count,

    /**
     * Returns when the listing that can be followed was made, or `null` if there is none for these sides.
     *
     * @throws {UsageWrong} Redis no longer holds what the operator saw
     */
    listedAt(): string | null {
      if (known?.place !== place) return null;
      if (known.redis === redis) return known.listedAt;
      throw new UsageWrong(
        "Redis has restarted or failed over since the last listing, so the listing is no longer valid. List again: bun run sync push",
      );
    },

    /** Forgets what was listed, except values whose push is in flight. */
    begin(): void {
      database.run("DELETE FROM planned WHERE value IS NULL");
      database.run("DELETE FROM listing");
    },

    add(pushes: readonly Pick<PlannedPush, "loginId" | "row" | "hash">[]): void {
      database.transaction(() => {
        for (const { loginId, row, hash } of pushes) insert.run(loginId, row, hash);
      })();
    },

    /** Completes the listing: from now on it may be followed, if it contains anything. */
    finish(): void {
      if (count().planned === 0) return;
      database.run("DELETE FROM listing");
      database.run("INSERT INTO listing VALUES (?, ?, ?)", [place, redis, new Date().toISOString()]);
    },

    next: (after: string, limit: number): readonly PlannedPush[] => following.all(after, limit),

    /**
     * Stores the values, and returns the token of each. Both are on disk when it returns. A value that was stored
     * before keeps its token.
     */
    keepValues(values: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
      const tokens = new Map<string, string>();
      database.transaction(() => {
        for (const [loginId, value] of values) {
          const kept = keepValue.get(value, randomBytes(16).toString("base64url"), loginId);
          if (kept !== null) tokens.set(loginId, kept.token);
        }
      })();
      return tokens;
    },

    remove(loginIds: readonly string[]): void {
      database.transaction(() => {
        for (const loginId of loginIds) remove.run(loginId);
      })();
    },

    /**
     * The rows of these users are newer than the values. They stay listed, and only the next listing judges them
     * again.
     */
    leave(loginIds: readonly string[]): void {
      database.transaction(() => {
        for (const loginId of loginIds) dropValue.run(loginId);
      })();
    },

    /** It can no longer be known whether a sidecar has written these users. Their values are kept and never written. */
    holdBack(loginIds: readonly string[]): void {
      database.transaction(() => {
        for (const loginId of loginIds) forgetToken.run(loginId);
      })();
    },

    /** Deletes the file if nothing is left to be done, so that no trace of values remains. */
    close(): void {
      const isDone = count().planned === 0;
      database.close();
      if (isDone) rmSync(file);
    },
  };
}

/** Locks the file until it is closed. The system also releases the lock when the process is killed. */
function lockFile(database: Database, file: string): void {
  try {
    database.run("PRAGMA locking_mode = EXCLUSIVE");
    database.run("BEGIN EXCLUSIVE");
    database.run("COMMIT");
  } catch (error) {
    database.close();
    if (!codeOf(error).startsWith("SQLITE_BUSY")) throw error;
    throw new UsageWrong(`Another program has ${file} open, probably another push: wait until it has ended.`);
  }
}
