import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { sharedMariadb } from "../../scripts/servers/mariadb-server.ts";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import { sharedRedisCluster } from "../../scripts/servers/redis-cluster.ts";
import { sharedRedis } from "../../scripts/servers/redis-server.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { describeWith, describeWithPrivate } from "../support/describe-with.ts";
import { clusterPlace, placeOf } from "../support/redis-places.ts";
import { createSyncedSite, enrolled, loginIdOf, type SyncedSite } from "../support/synced-site.ts";

setDefaultTimeout(60_000);

/** The first one is as large as the rest of the suite bears; the others hold the same with less. */
const [many, fewer] = [10_000, 4_000];
/** Login ids with data that are altered: none of them is a multiple of ten. */
const altered = Array.from({ length: 200 }, (_, index) => loginIdOf(index * 20 + 1));
const noDrift = {
  differsFromRow: 0,
  userWithoutData: 0,
  unknownUser: 0,
  blockedUser: 0,
  otherSpelling: 0,
  anotherType: 0,
};

describeWith("redis", "sync over SQLite and a single Redis", () => {
  const opened = describeSync(async () => {
    return createSyncedSite({ kind: "sqlite", place: placeOf(await sharedRedis()), users: fewer });
  });

  test("takes the hashes of a database that is at another address now only where it is told to", async () => {
    const site = opened();
    await site.sync([]);
    await site.database.run(`VACUUM INTO '${site.at("moved.db")}'`);
    const moved = { DATABASE_URL: `sqlite:${site.at("moved.db")}` };
    const believed = async (settings: Record<string, string>) =>
      (await site.sync(["verify", "--json"], settings)).summary.believed;
    for (const word of ["verify", "warm", "push"]) {
      const { exit, stderr } = await site.sync([word], moved);
      expect({ word, exit }).toEqual({ word, exit: 78 });
      expect(stderr).toContain("belong to another installation");
    }
    const mark = await site.client.get(`${site.store.keyPrefix}installation`);
    const all = await believed({});
    expect(all).toBeGreaterThan(1000);
    expect(await believed({ ...moved, REDIS_INSTALLATION: mark ?? "" })).toBe(all);
  });
});

describeWith("postgres", "Postgres", () => {
  describeWith("redis", "sync over Postgres and a single Redis", () => {
    describeSync(async () => {
      const databaseUrl = await (await sharedPostgres()).createDatabase("sync");
      return createSyncedSite({
        kind: "postgres",
        databaseUrl,
        place: placeOf(await sharedRedis()),
        users: many,
      });
    });
  });
});

describeWith("mariadb", "MariaDB", () => {
  describeWithPrivate("redis", "sync over MariaDB and a Redis Cluster", () => {
    describeSync(async () => {
      const databaseUrl = await (await sharedMariadb()).createDatabase("sync");
      const place = clusterPlace(await sharedRedisCluster());
      return createSyncedSite({ kind: "mysql", databaseUrl, place, users: fewer });
    });
  });
});

describe("the command line", () => {
  async function run(...args: string[]) {
    const argv = [process.execPath, join(import.meta.dir, "../../scripts/sync/index.ts"), ...args];
    const env = { PATH: process.env.PATH ?? "" };
    const child = Bun.spawn(argv, { env, stdout: "pipe", stderr: "pipe" });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { exit: child.exitCode, stdout, stderr };
  }

  test.each([
    "nonsense",
    "warm more",
    "warm --yes",
    "verify --keep",
    "push --repair",
    "--resume",
    "warm --rate 0",
    "warm --rate fast",
    "warm --batch 5001",
    "verify --unheard-of",
  ])("refuses %p with status 2", async (line) => {
    const { exit, stdout, stderr } = await run(...line.split(" "));
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: "" });
    expect(stderr).toEndWith("See --help.\n");
  });

  test("ends with status 78 where no Redis is configured", async () => {
    expect(await run("verify")).toEqual({
      exit: 78,
      stdout: "",
      stderr: "REDIS_URL is not set: without Redis there are no hashes to compare with the user table.\n",
    });
  });

  test("explains itself with --help", async () => {
    const { exit, stdout } = await run("warm", "--help");
    expect(exit).toBe(0);
    expect(stdout).toContain("bun run sync push");
  });
});

/** Returns a function that returns the site while tests run. */
function describeSync(create: () => Promise<SyncedSite>): () => SyncedSite {
  let site: SyncedSite;
  beforeAll(async () => {
    site = await create();
  });
  afterAll(() => site[Symbol.asyncDispose]());
  const withData = () => site.users * 0.9;

  test("warm makes a hit of every user who has data", async () => {
    const { exit, summary, stderr } = await site.sync(["warm", "--json"]);
    expect({ exit, ...summary }).toMatchObject({
      exit: 0,
      users: site.users,
      enrolled: withData(),
      filled: withData(),
      hits: 0,
      left: 0,
    });
    expect(stderr).toStartWith("Waiting for the grace");
    expect(await site.hashes()).toEqual(enrolled(await site.rows()));
    await site.store.filling();
    for (const number of [1, 777, site.users - 1]) {
      const read = await site.store.hotCopy.read(loginIdOf(number));
      expect(read).toEqual({ state: "hit", value: `data of ${number} 😀` });
    }
    expect(site.kept("sync-warm.json")).toBeNull();
  });

  test("warm finds everything done when it runs again", async () => {
    const { exit, summary } = await site.sync(["warm", "--json"]);
    expect({ exit, ...summary }).toMatchObject({ exit: 0, filled: 0, hits: withData(), left: 0 });
  });

  test("values expire around REDIS_TTL_SECONDS", async () => {
    const lives = await Promise.all(
      Array.from({ length: 90 }, (_, index) => site.client.ttl(site.keyOf(loginIdOf(index * 10 + 1)))),
    );
    expect(Math.min(...lives)).toBeGreaterThan(400);
    expect(Math.max(...lives)).toBeLessThanOrEqual(660);
    expect(new Set(lives).size).toBeGreaterThan(10);
  });

  test("verify finds nothing wrong after a warm", async () => {
    const { exit, summary } = await site.sync(["verify", "--json"]);
    expect({ exit, ...summary }).toMatchObject({
      exit: 0,
      users: site.users,
      believed: withData(),
      hashes: withData(),
      ...noDrift,
    });
  });

  test("verify finds exactly the hashes and rows that were altered, and names none", async () => {
    const rowsBefore = await site.rows();
    for (const [index, loginId] of altered.entries()) {
      if (index % 2 === 0) await site.alterHash(loginId, "forged value");
      else await site.alterRow(loginId, "restored value");
    }
    const hashesBefore = await site.hashes();
    const rowsAltered = await site.rows();
    const found = await site.sync(["verify", "--json"]);
    expect({ exit: found.exit, ...found.summary }).toMatchObject({
      exit: 1,
      ...noDrift,
      differsFromRow: 200,
    });
    expect(found.stdout + found.stderr).not.toMatch(/@example|value"|data of|forged|restored/);
    const shown = await site.sync(["verify", "--show"]);
    const named = shown.stdout.split("\n").flatMap((line) => /^differsFromRow\t(.+)$/.exec(line)?.[1] ?? []);
    expect(named.sort()).toEqual([...altered].sort());
    expect(await site.hashes()).toEqual(hashesBefore);
    expect(await site.rows()).toEqual(rowsAltered);
    expect(rowsAltered.size).toBe(rowsBefore.size);
  });

  test("verify --repair fixes them by what the table holds", async () => {
    const rows = await site.rows();
    const repaired = await site.sync(["verify", "--repair", "--json"]);
    expect({ exit: repaired.exit, ...repaired.summary }).toMatchObject({
      exit: 1,
      differsFromRow: 200,
      repaired: 200,
    });
    expect(await site.hashes()).toEqual(enrolled(rows));
    expect(await site.rows()).toEqual(rows);
    expect((await site.sync(["verify"])).exit).toBe(0);
  });

  test("sync tells the kinds of drift apart and fixes each", async () => {
    for (const number of [10, 20, 30]) await site.alterHash(loginIdOf(number), "of a user without data");
    for (const loginId of ["ghost-1@example.com", "ghost-2@example.com"])
      await site.alterHash(loginId, "of nobody");
    await site.alterHash(loginIdOf(77).toUpperCase(), "data of 77 😀");
    const spellings =
      site.kind === "postgres" ? { unknownUser: 3, otherSpelling: 0 } : { unknownUser: 2, otherSpelling: 1 };
    const kinds = { differsFromRow: 0, userWithoutData: 3, ...spellings };
    const seen = await site.sync(["verify", "--json"]);
    expect({ exit: seen.exit, ...seen.summary }).toMatchObject({ exit: 1, ...kinds, repaired: 0 });
    const repaired = await site.sync(["--json"]);
    expect({ exit: repaired.exit, ...repaired.summary }).toMatchObject({ exit: 1, ...kinds, repaired: 6 });
    expect((await site.sync([])).exit).toBe(0);
    expect(await site.hashes()).toEqual(enrolled(await site.rows()));
  });

  test("verify leaves out hashes that no sidecar believes", async () => {
    await site.client.hset(site.keyOf(loginIdOf(1)), "v", "of another epoch", "e", "another!");
    const write = await site.store.hotCopy.begin(loginIdOf(2));
    await site.client.hset(site.keyOf(loginIdOf(2)), "v", "under a marker");
    expect((await site.sync(["verify"])).exit).toBe(0);
    await write.end(null);
  });

  test("verify names keys of another type, and removes them when it is to repair", async () => {
    await site.sync([]);
    const strays = ["stray", loginIdOf(3)];
    for (const loginId of strays) await site.client.set(site.keyOf(loginId), "1");
    const seen = await site.sync(["verify", "--show", "--json"]);
    expect({ exit: seen.exit, ...seen.summary }).toMatchObject({ exit: 1, anotherType: 2, repaired: 0 });
    for (const loginId of strays)
      expect(seen.stdout).toContain(`{"what":"anotherType","loginId":"${loginId}"}`);
    const repaired = await site.sync(["verify", "--repair", "--json"]);
    expect({ exit: repaired.exit, ...repaired.summary }).toMatchObject({
      exit: 1,
      anotherType: 2,
      repaired: 2,
    });
    const held = async () => Promise.all(strays.map((loginId) => site.client.exists(site.keyOf(loginId))));
    expect(await eventually(async () => (await held()).join(), "0,0")).toBe("0,0");
    expect((await site.sync(["verify"])).exit).toBe(0);
  });

  test("forgets what is held of blocked users, and fills nothing of them", async () => {
    await site.sync([]);
    const blocked = [4, 5].map(loginIdOf);
    const settings = { USERS_BLOCKED_COLUMN: "isBlocked" };
    const { quote } = site.database;
    await site.database.run(`ALTER TABLE users ADD COLUMN ${quote("isBlocked")} int DEFAULT 0`);
    await site.database.run(
      `UPDATE users SET ${quote("isBlocked")} = 1 WHERE email IN (${blocked.map((id) => `'${id}'`).join()})`,
    );
    expect((await site.sync(["verify", "--json"], settings)).summary).toMatchObject({ blockedUser: 2 });
    expect((await site.sync(["--json"], settings)).summary).toMatchObject({ blockedUser: 2, repaired: 2 });
    expect((await site.sync(["warm", "--json"], settings)).summary).toMatchObject({ left: 0 });
    const hashes = await site.hashes();
    expect(blocked.map((loginId) => hashes.has(loginId))).toEqual([false, false]);
    expect((await site.sync(["verify"], settings)).exit).toBe(0);
  });

  return () => site;
}
