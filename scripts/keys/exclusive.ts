import { Database } from "bun:sqlite";
import { chownSync, statSync } from "node:fs";
import { codeOf } from "../../src/error-code.ts";
import { ConfigurationInvalid } from "../../src/errors.ts";
import { createPrivateFile } from "../../src/files/private-file.ts";

const waitMs = 10_000;

/**
 * Does the work while no other command works on the file at this path. It locks an empty SQLite file next to it. The
 * system releases that lock when a command is killed, unlike a lock that consists of a file's existence.
 *
 * @throws {ConfigurationInvalid} this account cannot lock the file, or another command holds the lock for ten seconds
 */
export async function exclusively<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  const lock = openLock(path);
  try {
    lock.run(`PRAGMA busy_timeout = ${waitMs}`);
    takeLock(lock, path);
    return await work();
  } finally {
    lock.close();
  }
}

function openLock(path: string): Database {
  try {
    if (createPrivateFile(`${path}.lock`, "")) giveToOwnerOf(path, `${path}.lock`);
    return new Database(`${path}.lock`, { readwrite: true, create: false });
  } catch (error) {
    throw cannotLock(path, codeOf(error));
  }
}

/** Root may be the first to change the keys, and the service the next. */
function giveToOwnerOf(path: string, lock: string): void {
  const { uid, gid } = statSync(path);
  if (process.getuid?.() === 0) chownSync(lock, uid, gid);
}

function takeLock(lock: Database, path: string): void {
  try {
    lock.run("BEGIN EXCLUSIVE");
  } catch (error) {
    if (!codeOf(error).startsWith("SQLITE_BUSY")) throw cannotLock(path, codeOf(error));
    throw new ConfigurationInvalid([
      `SESSION_KEYS_FILE: another command has been changing ${path} for ten seconds. Wait for it, or stop it.`,
    ]);
  }
}

function cannotLock(path: string, code: string): ConfigurationInvalid {
  return new ConfigurationInvalid([
    `SESSION_KEYS_FILE: this account cannot lock ${path} with ${path}.lock (${code}). Run the command as the account that owns the keys.`,
  ]);
}
