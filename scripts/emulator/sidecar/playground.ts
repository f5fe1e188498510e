import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SQL } from "bun";
import type { Environment } from "../../../src/config/setting-reader.ts";
import { demoLoginId } from "../../../src/process/development.ts";

/** A folder with a database and keys that exist for one run only. */
export interface Playground extends Disposable {
  readonly folder: string;
  /** The given settings, changed so that they name these files. */
  readonly environment: Environment;
}

/** Creates a playground with the demo user and a column for blocked users. Disposing of it deletes the folder. */
export async function createPlayground(given: Environment): Promise<Playground> {
  const folder = mkdtempSync(join(tmpdir(), "ownid-emulator-"));
  const file = join(folder, "site.db");
  await fillDatabase(file);
  return {
    folder,
    environment: {
      ...given,
      ...(isGiven(given, "OWNID_SHARED_SECRET")
        ? {}
        : { OWNID_SHARED_SECRET: crypto.getRandomValues(Buffer.alloc(32)).toString("base64") }),
      DATABASE_URL: `sqlite:${file}`,
      USERS_TABLE: undefined,
      USERS_LOGIN_ID_COLUMN: undefined,
      USERS_OWNID_DATA_COLUMN: undefined,
      USERS_BLOCKED_COLUMN: "blocked",
      SESSION_KEYS_FILE: join(folder, "session-keys.json"),
      STATE_FILE: join(folder, "state.db"),
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Returns whether a setting is set, itself or as a file. An empty setting counts as unset. */
export function isGiven(environment: Environment, name: string): boolean {
  return Boolean(environment[name]) || Boolean(environment[`${name}_FILE`]);
}

async function fillDatabase(file: string): Promise<void> {
  const sql = new SQL({ adapter: "sqlite", filename: file, create: true, readwrite: true });
  await sql.unsafe("PRAGMA journal_mode = WAL");
  await sql.unsafe(
    'CREATE TABLE users (email TEXT NOT NULL UNIQUE, "ownIdData" TEXT, blocked INTEGER NOT NULL DEFAULT 0)',
  );
  await sql.unsafe("INSERT INTO users (email) VALUES (?)", [demoLoginId]);
  await sql.close();
}
