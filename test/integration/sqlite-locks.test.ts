import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { UserDirectory } from "../../src/coherence/user-directory.ts";
import { errorOf, outcomeOf } from "../support/outcome.ts";
import { createSqliteFile, names } from "../support/test-database.ts";

setDefaultTimeout(60_000);

const statementMs = 1000;
const callMs = statementMs + 200;
/** How long nothing else of this process may run. */
const blockedMsMax = 80;
/** Where a machine is so busy that the whole process has to wait, another attempt shows that it was that. */
const measured = { retry: 3 };
const users = Array.from({ length: 10 }, (_, number) => `user-${number}`);

let database: ReturnType<typeof createSqliteFile>;
let directory: UserDirectory;

beforeEach(async () => {
  database = createSqliteFile();
  await database.run("CREATE TABLE users (email TEXT UNIQUE, data TEXT)");
  for (const user of users) await database.run("INSERT INTO users VALUES (?, 'old')", [user]);
  directory = database.directory(names, { statementMs });
  await directory.verifyConnection();
});

afterEach(() => database[Symbol.asyncDispose]());

describe("an SQLite file that another process has locked", () => {
  test(
    "answers many calls once the lock is gone, and never holds the process up",
    async () => {
      const lock = await lockFile(database.path);
      const { result, blockedMs } = await whileWatchingTheLoop(async () => {
        const calls = [
          ...users.map((user) => write(user)),
          ...users.map((user) => outcomeOf(directory.find(user))),
        ];
        await Bun.sleep(statementMs / 4);
        await lock.release();
        return Promise.all(calls);
      });
      expect(result).toEqual(result.map(() => "done"));
      expect(blockedMs).toBeLessThan(blockedMsMax);
      expect(await storedValues()).toEqual(["new"]);
    },
    measured,
  );

  test(
    "ends each call at its deadline as known not done, and never holds the process up",
    async () => {
      const lock = await lockFile(database.path);
      const start = performance.now();
      const { result, blockedMs } = await whileWatchingTheLoop(() =>
        Promise.all([
          ...users.map((user) => write(user)),
          ...users.map((user) => outcomeOf(directory.find(user))),
        ]),
      );
      const ms = performance.now() - start;
      await lock.release();
      expect(result).toEqual(result.map(() => "ERR_DATABASE_UNAVAILABLE"));
      expect(ms).toBeLessThan(callMs);
      expect(blockedMs).toBeLessThan(blockedMsMax);
      expect(await storedValues()).toEqual(["old"]);
      expect(await write("user-1")).toBe("done");
    },
    measured,
  );

  test("tells the operator what keeps it from being checked", async () => {
    const lock = await lockFile(database.path);
    const unchecked = database.directory(names, { statementMs: 100 });
    expect(await errorOf(unchecked.verifyConnection())).toMatchObject({
      code: "ERR_DATABASE_UNAVAILABLE",
      message: "another process holds the SQLite file's lock (SQLITE_BUSY)",
      fix: "find the program that keeps a transaction of the file open, and let it commit sooner",
    });
    await lock.release();
    await unchecked.verifyConnection();
  });
});

async function write(loginId: string): Promise<string> {
  const deadlineMs = Date.now() + 60_000;
  const change = { loginId, expected: "old", replacement: "new", deadlineMs };
  return outcomeOf(directory.replaceOwnIdData(change));
}

async function storedValues(): Promise<unknown[]> {
  return (await database.run("SELECT DISTINCT data FROM users")).map(({ data }) => data);
}

/** Another process that holds the file's exclusive lock until it is told to let go. */
async function lockFile(path: string) {
  const script = `
    import { Database } from "bun:sqlite";
    const database = new Database(process.argv[1], { readwrite: true });
    database.run("BEGIN EXCLUSIVE");
    console.log("locked");
    await Bun.stdin.text();
    database.run("ROLLBACK");
  `;
  const child = Bun.spawn([process.execPath, "-e", script, path], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  await child.stdout.getReader().read();
  return {
    async release() {
      child.stdin.end();
      await child.exited;
    },
  };
}

/** The longest time in which a timer of this process could not run, while the work was done. */
async function whileWatchingTheLoop<Result>(work: () => Promise<Result>) {
  let lastMs = performance.now();
  let blockedMs = 0;
  const timer = setInterval(() => {
    blockedMs = Math.max(blockedMs, performance.now() - lastMs);
    lastMs = performance.now();
  }, 1);
  const result = await work();
  clearInterval(timer);
  return { result, blockedMs };
}
