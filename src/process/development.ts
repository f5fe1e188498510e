import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { SQL } from "bun";
import { codeOf } from "../error-code.ts";
import { ConfigurationInvalid } from "../errors.ts";
import { createPrivateFile } from "../files/private-file.ts";

/** What a start without configuration generates. Nothing is generated in production. */

/** The file of the generated shared secret, relative to the working directory. */
export const sharedSecretFile = "./data/shared-secret";
const sharedSecretBytes = 32;

/** Returns the absolute path of the folder that holds everything that is generated, below the working directory. */
export function developmentFolder(): string {
  return resolve(dirname(sharedSecretFile));
}

/** The only user of a new demo database, without data. */
export const demoLoginId = "sol@testmail.com";

/**
 * Returns the generated shared secret, which stays the same for every start in this folder.
 *
 * @throws {ConfigurationInvalid} it cannot be stored, or its file is damaged
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
 * Creates the SQLite file with a table `users` and the demo user, completely or not at all. An existing file is not
 * changed.
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
  // In this mode, readers and the writer do not wait for each other, and a commit survives a crash.
  await sql.unsafe("PRAGMA journal_mode = WAL");
  await sql.unsafe('CREATE TABLE users (email TEXT NOT NULL UNIQUE, "ownIdData" TEXT)');
  await sql.unsafe("INSERT INTO users (email) VALUES (?)", [demoLoginId]);
  await sql.close();
  chmodSync(path, 0o600);
}

/**
 * Returns an error that names the setting if the file system refused to create the file. Otherwise returns the error
 * itself.
 */
function explained(error: unknown, variable: string, path: string): unknown {
  const code = codeOf(error);
  if (code === "") return error;
  return new ConfigurationInvalid([
    `${variable}: outside production, ${path} is created where it is missing, and this account cannot read or write it (${code}). Set ${variable}, or give this account access to the file and its folder.`,
  ]);
}
