import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { SQL } from "bun";
import { createPrivateFile } from "./private-file.ts";

/** What a start without configuration makes for itself. None of it is made in production. */

const sharedSecretFile = "./data/shared-secret";
const sharedSecretBytes = 32;

/** The user that a new demo database begins with, without data. */
export const demoLoginId = "sol@testmail.com";

/** The generated shared secret, the same at every start in this folder. */
export function developmentSharedSecret(): Uint8Array {
  if (!existsSync(sharedSecretFile)) {
    const secret = crypto.getRandomValues(Buffer.alloc(sharedSecretBytes));
    createPrivateFile(sharedSecretFile, `${secret.toString("base64")}\n`);
  }
  return new Uint8Array(Buffer.from(readFileSync(sharedSecretFile, "utf8"), "base64"));
}

/** Creates the SQLite file with a table `users` and the demo user. A file that exists is left as it is. */
export async function createDemoDatabase(path: string): Promise<boolean> {
  if (existsSync(path)) return false;
  mkdirSync(dirname(path), { recursive: true });
  const sql = new SQL({ adapter: "sqlite", filename: path, create: true, readwrite: true });
  // Readers and the writer do not wait for each other in this mode, and a commit survives a crash.
  await sql.unsafe("PRAGMA journal_mode = WAL");
  await sql.unsafe('CREATE TABLE IF NOT EXISTS users (email TEXT NOT NULL UNIQUE, "ownIdData" TEXT)');
  await sql.unsafe("INSERT INTO users (email) VALUES (?) ON CONFLICT DO NOTHING", [demoLoginId]);
  await sql.close();
  chmodSync(path, 0o600);
  return true;
}
