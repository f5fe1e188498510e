import { Database } from "bun:sqlite";
import { chownSync, statSync } from "node:fs";
import { ConfigurationInvalid } from "../../src/errors.ts";
import { createPrivateFile } from "../../src/files/private-file.ts";
import { codeOf } from "../reason.ts";

const waitMs = 10_000;

/**
 * Does the work while no other command works on the file at this path. The lock is SQLite's on an empty file beside it:
 * the system releases it when a command is killed, which a file that only exists would not be.
 *
 * @throws {ConfigurationInvalid} this account cannot lock the file, or another command holds it for ten seconds
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

/** Root may be the first one who changes the keys, and the service the next one. */
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
