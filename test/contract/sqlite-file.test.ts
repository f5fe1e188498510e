import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Replaced, UserDirectory } from "../../src/coherence/user-directory.ts";
import { createSqlDirectory } from "../../src/directory/sql-directory.ts";
import { withoutTls } from "../support/database-tls.ts";
import { outcomeOf } from "../support/outcome.ts";
import { names } from "../support/test-database.ts";

describe.each(["WAL", "DELETE"])("an SQLite file in journal mode %s", (journalMode) => {
  let folder: string;
  let path: string;
  let directory: UserDirectory;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "ownid-swap-"));
    path = join(folder, "site.db");
    create(path, "old");
    const connection = { kind: "sqlite", url: path, poolMax: 1, prepare: true, tls: withoutTls } as const;
    directory = createSqlDirectory({ ...connection, names, statementMs: 2000 });
    await directory.verifyConnection();
    await directory.find("ann");
  });
  afterEach(async () => {
    await directory.close();
    rmSync(folder, { recursive: true });
  });

  function create(file: string, value: string): void {
    using database = new Database(file, { create: true, strict: true });
    database.run(`PRAGMA journal_mode = ${journalMode}`);
    database.run("CREATE TABLE users (email TEXT UNIQUE, data TEXT)");
    database.run("INSERT INTO users VALUES ('ann', ?)", [value]);
  }

  function stored(file = path): string | undefined {
    using database = new Database(file, { readwrite: true });
    return database.query<{ data: string }, []>("SELECT data FROM users WHERE email = 'ann'").get()?.data;
  }

  /** As a restored backup is put into place. */
  function swap(value: string): void {
    create(join(folder, "new.db"), value);
    for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
    renameSync(join(folder, "new.db"), path);
  }

  async function set(expected: string, replacement: string): Promise<Replaced> {
    const { databaseTimeMs } = await directory.find("ann");
    const change = { loginId: "ann", expected, replacement, deadlineMs: databaseTimeMs + 60_000 };
    return directory.replaceOwnIdData(change);
  }

  test("is read where another file has taken its place", async () => {
    swap("restored");
    expect((await directory.find("ann")).ownIdData).toBe("restored");
  });

  test("is written where another file has taken its place", async () => {
    swap("restored");
    expect(await set("restored", "new")).toBe("changed");
    expect(stored()).toBe("new");
  });

  test("changes nothing where the file that holds the expected value is no longer there", async () => {
    const { databaseTimeMs } = await directory.find("ann");
    const deadlineMs = databaseTimeMs + 60_000;
    swap("restored");
    const change = { loginId: "ann", expected: "old", replacement: "lost", deadlineMs };
    expect(await directory.replaceOwnIdData(change)).toBe("unchanged");
    expect(stored()).toBe("restored");
  });

  test("is looked for at its path while it is away, and read when it is back", async () => {
    renameSync(path, join(folder, "away.db"));
    expect(await outcomeOf(directory.find("ann"))).toBe("ERR_DATABASE_UNAVAILABLE");
    renameSync(join(folder, "away.db"), path);
    await directory.verifyConnection();
    expect((await directory.find("ann")).ownIdData).toBe("old");
  });

  test("is refused where the file in its place has no such table", async () => {
    rmSync(path);
    using other = new Database(path, { create: true });
    other.run("CREATE TABLE members (email TEXT UNIQUE)");
    expect(await outcomeOf(directory.find("ann"))).toBe("ERR_DATABASE_UNAVAILABLE");
    expect(await outcomeOf(set("old", "new"))).toBe("ERR_DATABASE_UNAVAILABLE");
  });
});

test.each(["the file", "a symbolic link"])(
  "a write-ahead log that was deleted takes no write that nobody else would see by way of %s",
  async (way) => {
    const folder = mkdtempSync(join(tmpdir(), "ownid-swap-"));
    const path = join(folder, "site.db");
    using site = new Database(path, { create: true });
    site.run("PRAGMA journal_mode = WAL");
    site.run("CREATE TABLE users (email TEXT UNIQUE, data TEXT)");
    site.run("INSERT INTO users VALUES ('ann', 'old')");
    site.run("PRAGMA wal_checkpoint(TRUNCATE)");
    const link = join(folder, "link.db");
    symlinkSync(path, link);
    const url = way === "the file" ? path : link;
    const connection = { kind: "sqlite", url, poolMax: 1, prepare: true, tls: withoutTls } as const;
    const directory = createSqlDirectory({ ...connection, names, statementMs: 2000 });
    await directory.verifyConnection();
    const { databaseTimeMs } = await directory.find("ann");
    site.close();
    for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix);
    const change = {
      loginId: "ann",
      expected: "old",
      replacement: "new",
      deadlineMs: databaseTimeMs + 60_000,
    };
    expect(await directory.replaceOwnIdData(change)).not.toBe("unchanged");
    using later = new Database(path);
    expect(later.query("SELECT data FROM users").get()).toEqual({ data: "new" });
    await directory.close();
    rmSync(folder, { recursive: true });
  },
);
