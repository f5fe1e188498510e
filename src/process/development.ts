import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { SQL } from "bun";
import { ConfigurationInvalid } from "../errors.ts";
import { createPrivateFile } from "../files/private-file.ts";

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
  const kept = readOrCreate(secret);
  if (kept.length === sharedSecretBytes) return kept;
  throw new ConfigurationInvalid([
    `OWNID_SHARED_SECRET: the generated one in ${sharedSecretFile} is damaged; delete it.`,
  ]);
}

function readOrCreate(secret: Buffer): Uint8Array {
  try {
    if (!existsSync(sharedSecretFile)) createPrivateFile(sharedSecretFile, `${secret.toString("base64")}\n`);
    return new Uint8Array(Buffer.from(readFileSync(sharedSecretFile, "utf8"), "base64"));
  } catch (error) {
    throw explained(error, "OWNID_SHARED_SECRET", sharedSecretFile);
  }
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
  try {
    mkdirSync(dirname(path), { recursive: true });
    await fillDemoDatabase(draft);
    linkSync(draft, path);
  } catch (error) {
    if (!existsSync(path)) throw explained(error, "DATABASE_URL", path);
  } finally {
    if (existsSync(draft)) rmSync(draft);
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

/** The setting at fault, where the file system refuses what a start in development creates; else the error itself. */
function explained(error: unknown, variable: string, path: string): unknown {
  if (!(error instanceof Error && "code" in error)) return error;
  return new ConfigurationInvalid([
    `${variable}: outside production, ${path} is created where it is missing, and this account cannot read or write it (${String(error.code)}). Set ${variable}, or give this account access to the file and its folder.`,
  ]);
}
