import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { type FaultProxy, startFaultProxy } from "../../scripts/servers/fault-proxy.ts";
import type { MariadbServer } from "../../scripts/servers/mariadb-server.ts";
import type { PostgresServer } from "../../scripts/servers/postgres-server.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { withoutHotCopy } from "../../src/coherence/hot-copy.ts";
import type { UserDirectory } from "../../src/coherence/user-directory.ts";
import { createWriteThrough } from "../../src/coherence/write-through.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { outcomeOf } from "../support/outcome.ts";
import { names, openTestDatabase, type TestDatabase } from "../support/test-database.ts";
import { type FailingServer, failingServers } from "./failing-servers.ts";

setDefaultTimeout(30_000);

const poolMax = 5;
const statementMs = 400;
/** How much later than a timer of the same length a call may end. */
const latenessMsMax = 200;
/** Where the whole process has to wait for a processor, another attempt shows that it was that. */
const measured = { retry: 3 };
/** What a lost connection, or a server that thaws, may need to come back on a busy machine. */
const backMsMax = 10_000;
const change = {
  loginId: "ann",
  expected: "old",
  replacement: "new",
  deadlineMs: Date.now() + 3_600_000,
};

for (const server of failingServers) {
  describeWithPrivate(server.needs, `a directory whose ${server.needs} fails`, () =>
    describeFailures(server),
  );
}

function describeFailures(kind: FailingServer): void {
  let server: PostgresServer | MariadbServer;
  let proxy: FaultProxy;
  /** The site's own connection is no part of the faults. */
  let direct: TestDatabase;
  let proxied: TestDatabase;

  beforeAll(async () => {
    server = await kind.start();
    proxy = await startFaultProxy({ host: "127.0.0.1", port: server.port });
    const url = Object.assign(new URL(server.url()), { port: String(proxy.port) }).href;
    direct = openTestDatabase({ kind: kind.kind, url: server.url() });
    proxied = openTestDatabase({ kind: kind.kind, url, siteUrl: server.url() });
    for (const statement of [kind.createTable, ...kind.account.sql]) await direct.run(statement);
  });
  beforeEach(async () => {
    await direct.run("DELETE FROM users");
    await direct.run("INSERT INTO users VALUES ('ann', 'old'), ('bob', 'old')");
  });
  afterEach(async () => {
    proxy.passThrough();
    await proxy.accept();
    await Promise.all([direct.closeDirectories(), proxied.closeDirectories()]);
  });
  afterAll(async () => {
    await Promise.all([direct[Symbol.asyncDispose](), proxied[Symbol.asyncDispose]()]);
    await proxy.stop();
    await server.remove();
  });

  /** With all its connections open, and both statements prepared on each. */
  async function openDirectory(database: TestDatabase, options = {}): Promise<UserDirectory> {
    const directory = database.directory(names, { poolMax, statementMs, ...options });
    await directory.verifyConnection();
    // In the past. The driver prepares a statement once more for each type that a number can have.
    for (const deadlineMs of [1e12, 1e12 + 0.5]) {
      const inVain = { ...change, deadlineMs };
      await Promise.all(Array.from({ length: 4 * poolMax }, () => directory.replaceOwnIdData(inVain)));
    }
    await findOften(directory, 4 * poolMax);
    return directory;
  }

  async function stored(loginId: string): Promise<unknown> {
    return (await direct.run(`SELECT data FROM users WHERE email = '${loginId}'`))[0]?.data;
  }

  async function connectionIds(): Promise<unknown[]> {
    return (await direct.run(kind.connections)).map(({ id }) => id);
  }

  test(
    "answers again after a kill, with no connection of before",
    async () => {
      const directory = await openDirectory(direct);
      await server.kill();
      const reads = await againstDeadline(() => findOften(directory, 4 * poolMax));
      const write = await outcomeOf(directory.replaceOwnIdData(change));
      await server.start();
      expect(reads.result).toEqual({ ERR_DATABASE_UNAVAILABLE: 4 * poolMax });
      expect(reads.latenessMs).toBeLessThan(latenessMsMax);
      expect(write).toBe("ERR_DATABASE_UNAVAILABLE");
      expect(await eventually(() => outcomeOf(directory.find("ann")), "done", backMsMax)).toBe("done");
      expect(await findOften(directory, 4 * poolMax)).toEqual({ done: 4 * poolMax });
    },
    measured,
  );

  test("answers again after a kill and a restart that it has not noticed", async () => {
    const directory = await openDirectory(direct);
    await server.kill();
    await server.start();
    expect(await eventually(() => outcomeOf(directory.find("ann")), "done", backMsMax)).toBe("done");
    expect(await findOften(directory, 4 * poolMax)).toEqual({ done: 4 * poolMax });
    expect(await directory.replaceOwnIdData(change)).not.toBe("unchanged");
  });

  test("is verified once the server starts that was down at first", async () => {
    await server.stop();
    const directory = direct.directory(names, { poolMax, statementMs });
    expect(await outcomeOf(directory.verifyConnection())).toBe("ERR_DATABASE_UNAVAILABLE");
    expect(await outcomeOf(directory.find("ann"))).toBe("ERR_DATABASE_UNAVAILABLE");
    await server.start();
    await directory.verifyConnection();
    expect(await outcomeOf(directory.find("ann"))).toBe("done");
  });

  test("hides from readers that the server closed every connection", async () => {
    const directory = await openDirectory(direct);
    const ids = await connectionIds();
    expect(ids).not.toEqual([]);
    for (const id of ids) await direct.run(kind.kill(id));
    expect(await findOften(directory, 4 * poolMax)).toEqual({ done: 4 * poolMax });
  });

  test("hides from readers that the network cut every connection", async () => {
    const directory = await openDirectory(proxied);
    proxy.cut();
    expect(await findOften(directory, 4 * poolMax)).toEqual({ done: 4 * poolMax });
  });

  test(
    "ends every call in time while the server is frozen, and heals when it thaws",
    async () => {
      const directory = await openDirectory(direct);
      await server.freeze();
      const [reads, write] = await Promise.all([
        againstDeadline(() => findOften(directory, 2 * poolMax)),
        againstDeadline(() => outcomeOf(directory.replaceOwnIdData(change))),
      ]);
      await server.thaw();
      expect(reads.result).toEqual({ ERR_DATABASE_UNAVAILABLE: 2 * poolMax });
      expect(write.result).toBe("ERR_OUTCOME_UNKNOWN");
      expect(Math.max(reads.latenessMs, write.latenessMs)).toBeLessThan(latenessMsMax);
      expect(await eventually(() => outcomeOf(directory.find("bob")), "done", backMsMax)).toBe("done");
      expect(await findOften(directory, 4 * poolMax)).toEqual({ done: 4 * poolMax });
    },
    measured,
  );

  test(
    "ends every call in time while the network swallows all, and leaves no connection behind",
    async () => {
      const directory = await openDirectory(proxied);
      proxy.blackHole();
      const [reads, write] = await Promise.all([
        againstDeadline(() => findOften(directory, 2 * poolMax)),
        againstDeadline(() => outcomeOf(directory.replaceOwnIdData(change))),
      ]);
      // The pool is a new one by now, and its connections get no answer either.
      const later = await againstDeadline(() => findOften(directory, poolMax));
      proxy.passThrough();
      expect([reads.result, later.result]).toEqual([
        { ERR_DATABASE_UNAVAILABLE: 2 * poolMax },
        { ERR_DATABASE_UNAVAILABLE: poolMax },
      ]);
      expect(write.result).toBe("ERR_OUTCOME_UNKNOWN");
      const latenessMs = Math.max(reads.latenessMs, write.latenessMs, later.latenessMs);
      expect(latenessMs).toBeLessThan(latenessMsMax);
      expect(await findOften(directory, 4 * poolMax)).toEqual({ done: 4 * poolMax });
      expect(await stored("ann")).toBe("old");
      expect(await eventually(async () => proxy.connections() <= poolMax, true)).toBe(true);
    },
    measured,
  );

  test("says of a write whose reply is lost that it may have been done", async () => {
    const directory = await openDirectory(proxied);
    proxy.holdReplies();
    expect(await outcomeOf(directory.replaceOwnIdData(change))).toBe("ERR_OUTCOME_UNKNOWN");
    expect(await stored("ann")).toBe("new");
  });

  test("lets a set whose reply is lost be done once the row reads as written", async () => {
    const store = storeOver(await openDirectory(proxied), () => proxy.holdReplies());
    await store.set("ann", "new");
    expect(await stored("ann")).toBe("new");
  });

  test("lets a set whose request is lost end unknown, with the row as it was", async () => {
    const store = storeOver(await openDirectory(proxied), () => proxy.blackHole());
    expect(await outcomeOf(store.set("ann", "new"))).toBe("ERR_OUTCOME_UNKNOWN");
    expect(await stored("ann")).toBe("old");
  });

  test.each([
    ["changes nothing", "after its deadline", statementMs / 2, "old"],
    ["changes the row", "before its deadline", 3_600_000, "new"],
  ])("%s with a write that arrives late, %s", async (_fate, _when, limitMs, expected) => {
    const directory = await openDirectory(proxied);
    const { databaseTimeMs } = await directory.find("ann");
    proxy.holdRequests();
    // The client would ask over a new connection to cancel the write, and the two would race for the server.
    await proxy.refuse();
    const late = directory.replaceOwnIdData({ ...change, deadlineMs: Math.ceil(databaseTimeMs) + limitMs });
    expect(await outcomeOf(late)).toBe("ERR_OUTCOME_UNKNOWN");
    const ended = async () => Number((await direct.run(kind.statementsEnded))[0]?.n);
    const before = await ended();
    proxy.releaseRequests();
    expect(await eventually(async () => (await ended()) > before, true)).toBe(true);
    expect(await eventually(() => stored("ann"), expected)).toBe(expected);
  });

  test(
    "knows that a write to a locked row was not done, and keeps its connections",
    async () => {
      // A tenth of it lies between the server's limit and ours.
      const limitMs = 2000;
      const directory = await openDirectory(direct, { poolMax: 1, statementMs: limitMs });
      const before = new Set(await connectionIds());
      await direct.run("BEGIN");
      await direct.run("SELECT data FROM users WHERE email = 'ann' FOR UPDATE");
      const write = () => outcomeOf(directory.replaceOwnIdData(change));
      const { result, latenessMs } = await againstDeadline(write, limitMs);
      expect(await outcomeOf(directory.find("ann"))).toBe("done");
      await direct.run("ROLLBACK");
      expect(result).toBe("ERR_DATABASE_UNAVAILABLE");
      expect(latenessMs).toBeLessThan(latenessMsMax);
      expect((await connectionIds()).filter((id) => !before.has(id))).toEqual([]);
      expect(await write()).toBe("done");
      expect(await stored("ann")).toBe("new");
    },
    measured,
  );

  test("looks for the primary again when the server has been made a replica", async () => {
    const { username, password } = kind.account;
    const url = Object.assign(new URL(server.url()), { username, password }).href;
    const directory = await openDirectory(direct, { url, poolMax: 1 });
    const before = new Set(await connectionIds());
    for (const statement of kind.readOnly(true)) await direct.run(statement);
    const refused = () => directory.replaceOwnIdData({ ...change, deadlineMs: 1e12 }).then(String, messageOf);
    expect(
      await eventually(refused, `the database is read-only: a replica (${kind.readOnlyCode})`),
    ).toContain("replica");
    for (const statement of kind.readOnly(false)) await direct.run(statement);
    expect(await eventually(() => outcomeOf(directory.replaceOwnIdData(change)), "done")).toBe("done");
    expect(await stored("ann")).toBe("new");
    expect((await connectionIds()).some((id) => !before.has(id))).toBe(true);
  });

  test("is told by the check itself, though lookups go on working, that the server has been made a replica", async () => {
    const directory = await openDirectory(direct, { poolMax: 1 });
    expect(await outcomeOf(directory.verifyConnection())).toBe("done");
    const before = new Set(await connectionIds());
    for (const statement of kind.readOnly(true)) await direct.run(statement);
    const check = () => directory.verifyConnection().then(String, messageOf);
    expect(await eventually(check, "the database is read-only: a replica")).toContain("replica");
    for (const statement of kind.readOnly(false)) await direct.run(statement);
    expect(await eventually(() => outcomeOf(directory.verifyConnection()), "done")).toBe("done");
    expect((await connectionIds()).some((id) => !before.has(id))).toBe(true);
  });

  test("refuses what would wait too long, before anything is sent", async () => {
    const directory = await openDirectory(proxied, { poolMax: 1, statementMs: 2000 });
    proxy.holdReplies();
    const reads = findOften(directory, 60);
    expect(await outcomeOf(directory.replaceOwnIdData(change))).toBe("ERR_OVERLOADED");
    proxy.releaseReplies();
    expect(await reads).toEqual({ done: 50, ERR_OVERLOADED: 10 });
    expect(await stored("ann")).toBe("old");
    expect(await outcomeOf(directory.find("ann"))).toBe("done");
  });

  test("answers no statement with another one's rows, of 2,000 at once", async () => {
    const users = Array.from({ length: 100 }, (_, number) => `user-${number}@example.com`);
    for (const user of users) await direct.run(`INSERT INTO users VALUES ('${user}', '${user}:0')`);
    const directory = await openDirectory(direct, { poolMax: 40, statementMs: 10_000 });
    const wrong: unknown[] = [];
    const calls = Array.from({ length: 2000 }, async (_, number) => {
      const user = users[number % users.length] ?? "";
      if (number % 5 === 0) {
        const data = { expected: `${user}:0`, replacement: `${user}:0` };
        const replaced = await directory.replaceOwnIdData({ ...change, loginId: user, ...data });
        if (replaced === "unchanged") wrong.push(user);
      } else if (number % 7 === 0) {
        const outcome = await outcomeOf(directory.find(`nobody-${number}`));
        if (outcome !== "ERR_USER_UNKNOWN") wrong.push(outcome);
      } else {
        const found = await directory.find(user);
        if (found.loginId !== user || found.ownIdData !== `${user}:0`) wrong.push(found);
      }
    });
    await Promise.all(calls);
    expect(wrong).toEqual([]);
  });

  /** The store over this directory, whose network breaks while an UPDATE is on its way, and then is whole. */
  function storeOver(directory: UserDirectory, breakNetwork: () => void) {
    const breaking: UserDirectory = {
      ...directory,
      async replaceOwnIdData(replacement) {
        breakNetwork();
        try {
          return await directory.replaceOwnIdData(replacement);
        } finally {
          proxy.passThrough();
        }
      },
    };
    const options = { hotCopy: withoutHotCopy, statementMs, auditShare: 0, onEvent: () => {} };
    return createWriteThrough({ directory: breaking, ...options });
  }
}

/** Reads at the same time, so that every connection of the pool is used; how they ended. */
async function findOften(directory: UserDirectory, times: number): Promise<Record<string, number>> {
  const calls = Array.from({ length: times }, () => outcomeOf(directory.find("ann")));
  const outcomes: Record<string, number> = {};
  for (const outcome of await Promise.all(calls)) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  return outcomes;
}

/** The result, and by how much it came after a timer of the deadline's length: a busy machine delays both. */
async function againstDeadline<Result>(call: () => Promise<Result>, deadlineMs = statementMs) {
  const deadline = Bun.sleep(deadlineMs).then(() => performance.now());
  const result = await call();
  const endedMs = performance.now();
  return { result, latenessMs: endedMs - (await deadline) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
