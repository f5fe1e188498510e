import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { SQL } from "bun";
import { ConfigurationInvalid } from "./errors.ts";
import { createPrivateFile } from "./private-file.ts";

/** What a start without configuration makes for itself. None of it is made in production. */

/** Where the generated shared secret is kept, from the folder of the start. */
export const sharedSecretFile = "./data/shared-secret";
const sharedSecretBytes = 32;

/** The absolute path of the folder in which all of it is kept: below the one that the process was started in. */
export function developmentFolder(): string {
  return resolve(dirname(sharedSecretFile));
}

/** The user that a new demo database begins with, without data. */
export const demoLoginId = "sol@testmail.com";

/**
 * The generated shared secret, the same at every start in this folder.
 *
 * @throws {ConfigurationInvalid} it cannot be kept, or its file is damaged
 */
export function developmentSharedSecret(): Uint8Array {
  const secret = crypto.getRandomValues(Buffer.alloc(sharedSecretBytes));
  const kept = making("OWNID_SHARED_SECRET", () => {
    if (!existsSync(sharedSecretFile)) createPrivateFile(sharedSecretFile, `${secret.toString("base64")}\n`);
    return new Uint8Array(Buffer.from(readFileSync(sharedSecretFile, "utf8"), "base64"));
  });
  if (kept.length === sharedSecretBytes) return kept;
  throw new ConfigurationInvalid([
    `OWNID_SHARED_SECRET: the generated one in ${sharedSecretFile} is damaged; delete it.`,
  ]);
}

/**
 * Creates the SQLite file with a table `users` and the demo user, whole or not at all. A file that exists is left
 * as it is.
 *
 * @throws {ConfigurationInvalid} it cannot be created
 */
export async function createDemoDatabase(path: string): Promise<void> {
  if (existsSync(path)) return;
  const draft = `${path}.${crypto.randomUUID()}`;
  making("DATABASE_URL", () => mkdirSync(dirname(path), { recursive: true }));
  try {
    await fillDemoDatabase(draft);
    making("DATABASE_URL", () => linkSync(draft, path));
  } catch (error) {
    if (!existsSync(path)) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

async function fillDemoDatabase(path: string): Promise<void> {
  const sql = new SQL({ adapter: "sqlite", filename: path, create: true, readwrite: true });
  // Readers and the writer do not wait for each other in this mode, and a commit survives a crash.
  await sql.unsafe("PRAGMA journal_mode = WAL");
  await sql.unsafe('CREATE TABLE users (email TEXT NOT NULL UNIQUE, "ownIdData" TEXT)');
  await sql.unsafe("INSERT INTO users (email) VALUES (?)", [demoLoginId]);
  await sql.close();
  chmodSync(path, 0o600);
}

/** Says which variable is at fault when the file system refuses what development would make. */
export function making<Value>(variable: string, work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    throw new ConfigurationInvalid([
      `${variable}: what development would make for it cannot be written (${String(error.code)}). Set it, or let this account write there.`,
    ]);
  }
}
