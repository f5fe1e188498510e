import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { sharedMariadb } from "../../scripts/servers/mariadb-server.ts";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import { sharedRedis } from "../../scripts/servers/redis-server.ts";
import { createPusher } from "../../scripts/sync/push-one.ts";
import { digestOf } from "../../scripts/sync/push-plan.ts";
import type { OwnIdDataStore } from "../../src/coherence/ownid-data-store.ts";
import type { Replaced } from "../../src/coherence/user-directory.ts";
import type { DatabaseKind } from "../../src/config/database-address.ts";
import { OutcomeUnknown, WriteContended } from "../../src/errors.ts";
import { describeWith } from "../support/describe-with.ts";
import { errorOf } from "../support/outcome.ts";
import { placeOf } from "../support/redis-places.ts";
import { createSyncedSite, endOf, enrolled, loginIdOf, type SyncedSite } from "../support/synced-site.ts";

setDefaultTimeout(60_000);

const users = 2000;
/** Who has changed their devices since the backup; every fifth of them enrolled only then. */
const moved = Array.from({ length: 300 }, (_, index) => loginIdOf(index * 6 + 6));
let databases = 0;

async function openSite(kind: DatabaseKind, databaseUrl?: string): Promise<SyncedSite> {
  const own = databaseUrl === undefined ? {} : { databaseUrl };
  return createSyncedSite({ kind, ...own, place: placeOf(await sharedRedis()), users, isGraceOver: true });
}

describeWith("redis", "push over SQLite", () => {
  describePush(() => openSite("sqlite"));
});

describeWith("postgres", "Postgres", () => {
  describeWith("redis", "push over Postgres", () => {
    const create = async () => (await sharedPostgres()).createDatabase(`push_${++databases}`);
    describePush(async () => openSite("postgres", await create()), { withMishaps: true });
  });
});

describeWith("mariadb", "MariaDB", () => {
  describeWith("redis", "push over MariaDB", () => {
    const create = async () => (await sharedMariadb()).createDatabase(`push_${++databases}`);
    describePush(async () => openSite("mysql", await create()));
  });
});

function describePush(create: () => Promise<SyncedSite>, { withMishaps = false } = {}): void {
  let site: SyncedSite;
  /** What the rows held before the database was lost. */
  let newest: Map<string, string | null>;

  /** Everybody is warm, some write; then the database is restored to what it was before they did. */
  beforeEach(async () => {
    site = await create();
    expect((await site.sync(["warm"])).exit).toBe(0);
    const sidecar = await site.sidecar();
    const backup = await site.rows();
    for (const loginId of moved) await sidecar.set(loginId, `newer data of ${loginId}`);
    newest = await site.rows();
    for (const loginId of moved) await site.alterRow(loginId, backup.get(loginId) ?? null);
    expect(await site.rows()).toEqual(backup);
  });
  afterEach(() => site[Symbol.asyncDispose]());

  test("brings a restored database forward, and leaves the rows that changed since the listing", async () => {
    const restored = await site.rows();
    const listed = await site.sync(["push"]);
    expect(listed.exit).toBe(1);
    expect(listed.stdout).toContain("300 hashes hold another value than their row.");
    expect(listed.stdout).toContain("Nothing was written.");
    expect(await site.rows()).toEqual(restored);

    const conflicts = moved.slice(100, 105);
    for (const loginId of conflicts) await site.alterRow(loginId, "changed by the site meanwhile");
    const pushed = await site.sync(["push", "--yes", "--json"]);
    expect({ exit: pushed.exit, ...pushed.summary }).toMatchObject({
      exit: 1,
      complete: true,
      listed: 300,
      written: 295,
      conflict: 5,
      settled: 0,
      refused: 0,
      unfinished: 0,
    });
    for (const loginId of conflicts) newest.set(loginId, "changed by the site meanwhile");
    expect(await site.rows()).toEqual(newest);
    const hashes = await site.hashes();
    for (const loginId of conflicts) expect(hashes.get(loginId)).toBe(`newer data of ${loginId}`);

    const again = await site.sync(["push", "--yes", "--json"]);
    expect({ exit: again.exit, ...again.summary }).toMatchObject({
      exit: 1,
      listed: 5,
      written: 0,
      conflict: 5,
    });
    expect(await site.rows()).toEqual(newest);

    expect((await site.sync(["--json"])).summary).toMatchObject({ differsFromRow: 5, repaired: 5 });
    expect(await site.hashes()).toEqual(enrolled(newest));
    expect((await site.sync(["push"])).exit).toBe(0);
  });

  test("writes at once with --yes, and never names a value or a user", async () => {
    const { exit, stdout, stderr } = await site.sync(["push", "--yes"]);
    expect(exit).toBe(0);
    expect(stdout + stderr).not.toMatch(/@example|newer data/);
    expect(await site.rows()).toEqual(newest);
    expect((await site.sync(["verify"])).exit).toBe(0);
    expect(site.kept("sync-push.db")).toBeNull();
  });

  describe("the push of one user", () => {
    const [loginId = ""] = moved;
    /** What the row of this user was restored to. */
    const older = "data of 6 😀";
    const enrolledLater = loginIdOf(30);

    /** Pushes a user. `send` stands between the push and the database when it sends the UPDATE. */
    async function pushThrough(
      loginId: string,
      row: string | null,
      send: (update: () => Promise<Replaced>) => Promise<Replaced>,
    ): Promise<string> {
      await using sides = site.openSides();
      const { directory, population, patience } = sides;
      for (const side of [directory, population]) await patience.retry(side.verifyConnection);
      const [seen] = await population.observe([loginId]);
      if (!seen) throw new Error("no sidecar believes the hash");
      const pushOne = createPusher({
        ...sides,
        // The write lock then stands until the test has ended, however slow the machine is.
        statementMs: 10_000,
        directory: {
          ...directory,
          replaceOwnIdData: (change) => send(() => directory.replaceOwnIdData(change)),
        },
      });
      const listed = { value: seen.value, token: crypto.randomUUID(), seen: seen.token };
      return await pushOne({ loginId, row: digestOf(row), listed, isResumed: false });
    }

    test("lets no sidecar acknowledge a write while its UPDATE is in flight", async () => {
      const sidecar = await site.sidecar();
      const outcome = await pushThrough(loginId, older, async (update) => {
        expect(await errorOf(sidecar.set(loginId, "a device is added"))).toBeInstanceOf(WriteContended);
        expect(await errorOf(sidecar.set(loginId, older))).toBeInstanceOf(WriteContended);
        expect(await errorOf(sidecar.erase(loginId))).toBeInstanceOf(WriteContended);
        return update();
      });
      expect(outcome).toBe("written");
      expect(await sidecar.get(loginId)).toBe(`newer data of ${loginId}`);
      await sidecar.set(loginId, "a device is added");
      expect(await sidecar.get(loginId)).toBe("a device is added");
    });

    test("lets no user without data count as erased while its UPDATE is in flight", async () => {
      const sidecar = await site.sidecar();
      const outcome = await pushThrough(enrolledLater, null, async (update) => {
        expect(await errorOf(sidecar.erase(enrolledLater))).toBeInstanceOf(WriteContended);
        return update();
      });
      expect(outcome).toBe("written");
      await sidecar.erase(enrolledLater);
      expect(await sidecar.get(enrolledLater)).toBeNull();
    });

    test("keeps other writes away until the UPDATE of a run without an answer is over", async () => {
      const sidecar = await site.sidecar();
      let runs = 0;
      const outcome = await pushThrough(loginId, older, async (update) => {
        runs += 1;
        if (runs === 1) throw new OutcomeUnknown();
        return update();
      });
      expect({ outcome, runs }).toEqual({ outcome: "written", runs: 2 });
      expect(await errorOf(sidecar.set(loginId, "a device is added"))).toBeInstanceOf(WriteContended);
      expect(await sidecar.get(loginId)).toBe(`newer data of ${loginId}`);
    });
  });

  if (!withMishaps) return;

  /** What the row of the first user was restored to. */
  const olderData = "data of 6 😀";

  /** Two acknowledged sets, of which the second puts back what the row held when it was listed. */
  async function setBack(sidecar: OwnIdDataStore, loginId: string): Promise<void> {
    await sidecar.invalidate(loginId);
    for (const data of ["a device is added", olderData]) await sidecar.set(loginId, data);
  }

  /** Kills a push that has dropped the hash's value and waits for the row. */
  async function killHalfWay(loginId: string): Promise<void> {
    await using lock = await site.lockRow(loginId);
    const child = site.spawn(["push", "--yes"]);
    while (child.exitCode === null && (await site.hashes()).has(loginId)) await Bun.sleep(2);
    child.kill("SIGKILL");
    await child.exited;
    // Until the database has given up the statement that waits for the lock.
    await Bun.sleep(site.statementMs);
    await lock[Symbol.asyncDispose]();
    // The UPDATE is over, so nothing depends on the write lock any more.
    await site.client.hdel(site.keyOf(loginId), "x");
  }

  test("takes no value that no sidecar believes, and none that was written since it was listed", async () => {
    expect((await site.sync(["push"])).exit).toBe(1);
    const [foreign = "", expired = "", rewritten = "", ...others] = moved;
    await site.client.hset(site.keyOf(foreign), "e", "another!");
    await site.client.del(site.keyOf(expired));
    const sidecar = await site.sidecar();
    // Without it the set would be refused as one that was made from a stale list.
    await sidecar.invalidate(rewritten);
    await sidecar.set(rewritten, "newest of all");
    const { summary } = await site.sync(["push", "--yes", "--json"]);
    expect(summary).toMatchObject({
      holds: false,
      listed: 300,
      written: 297,
      settled: 1,
      gone: 2,
      conflict: 0,
    });
    const rows = await site.rows();
    expect([foreign, expired, rewritten].map((loginId) => rows.get(loginId))).toEqual([
      "data of 6 😀",
      "data of 12 😀",
      "newest of all",
    ]);
    for (const loginId of others) expect(rows.get(loginId)).toBe(`newer data of ${loginId}`);
  });

  test("takes a listing that found nothing for none", async () => {
    expect((await site.sync(["push", "--yes"])).exit).toBe(0);
    expect((await site.sync(["push"])).exit).toBe(0);
    const [loginId = ""] = moved;
    await site.alterRow(loginId, "older data");
    expect((await site.sync(["push", "--yes", "--json"])).summary).toMatchObject({ listed: 1, written: 1 });
    expect(await site.rows()).toEqual(newest);
  });

  test("keeps the value that the column cannot hold, until it can", async () => {
    const [loginId = ""] = moved;
    const long = "x".repeat(6000);
    const sidecar = await site.sidecar();
    await sidecar.invalidate(loginId);
    await sidecar.set(loginId, long);
    await site.alterRow(loginId, "older data");
    await site.database.run('ALTER TABLE users ALTER "ownIdData" TYPE varchar(5000)');
    const { summary } = await site.sync(["push", "--yes", "--json"]);
    expect(summary).toMatchObject({ written: 299, refused: 1 });
    await site.database.run('ALTER TABLE users ALTER "ownIdData" TYPE text');
    expect((await site.sync(["push", "--yes"])).exit).toBe(0);
    expect((await site.rows()).get(loginId)).toBe(long);
  });

  test("loses no value when it is killed, and the next one finishes it", async () => {
    expect((await site.sync(["push"])).exit).toBe(1);
    const child = site.spawn(["push", "--yes", "--rate", "150"]);
    const isHalfWay = async () =>
      [...(await site.rows()).values()].filter((data) => data?.startsWith("newer")).length > 90;
    while (child.exitCode === null && !(await isHalfWay())) await Bun.sleep(2);
    child.kill("SIGKILL");
    expect((await endOf(child)).exit).toBe("SIGKILL");
    const { exit, summary } = await site.sync(["push", "--yes", "--json"]);
    expect({ exit, ...summary }).toMatchObject({ exit: 0, conflict: 0, settled: 0, unfinished: 0 });
    expect(Number(summary.written)).toBeLessThan(300);
    expect(await site.rows()).toEqual(newest);
  });

  test("overwrites no row that a sidecar has set since the listing, though it holds the listed value again", async () => {
    expect((await site.sync(["push"])).exit).toBe(1);
    const [loginId = "", ...others] = moved;
    await setBack(await site.sidecar(), loginId);
    expect((await site.sync(["push", "--yes", "--json"])).summary).toMatchObject({ written: 299, gone: 1 });
    const rows = await site.rows();
    expect(rows.get(loginId)).toBe(olderData);
    for (const other of others) expect(rows.get(other)).toBe(newest.get(other) ?? null);
  });

  test("overwrites no row that a sidecar has set since a push was killed with the value in its plan", async () => {
    expect((await site.sync(["push"])).exit).toBe(1);
    const [loginId = "", ...others] = moved;
    await killHalfWay(loginId);
    await setBack(await site.sidecar(), loginId);
    const { exit, summary } = await site.sync(["push", "--yes", "--json"]);
    expect({ exit, ...summary }).toMatchObject({ exit: 1, unproven: 1, conflict: 0, unfinished: 0 });
    const rows = await site.rows();
    expect(rows.get(loginId)).toBe(olderData);
    for (const other of others) expect(rows.get(other)).toBe(newest.get(other) ?? null);
  });

  test("writes no value of its plan whose hash is gone, and keeps it until the row changes", async () => {
    expect((await site.sync(["push"])).exit).toBe(1);
    const [loginId = ""] = moved;
    await killHalfWay(loginId);
    await site.client.del(site.keyOf(loginId));
    for (const _ of [1, 2])
      expect((await site.sync(["push", "--yes", "--json"])).summary).toMatchObject({ unproven: 1 });
    expect((await site.rows()).get(loginId)).toBe(olderData);
    const { exit, stdout } = await site.sync(["push"]);
    expect(exit).toBe(1);
    expect(stdout).toContain(
      "1 row was left, because a sidecar may have written it since a push began to write it",
    );
    expect(stdout).toContain("They stay in ./data/sync-push.db until the rows change");
    expect(stdout).toContain("If the rows are right as they are, you may delete the file.");
    expect(stdout).not.toContain("push --yes");

    await site.alterRow(loginId, "newest of all");
    expect((await site.sync(["push", "--yes", "--json"])).summary).toMatchObject({ conflict: 1 });
    expect((await site.sync(["push"])).exit).toBe(0);
    expect(site.kept("sync-push.db")).toBeNull();
  });

  test("leaves a row that stays locked to the next push, however late that comes", async () => {
    expect((await site.sync(["push"])).exit).toBe(1);
    const [loginId = ""] = moved;
    {
      await using _lock = await site.lockRow(loginId);
      const { exit, stderr } = await site.sync(["push", "--yes", "--patience", "1ms"]);
      expect(exit).toBe(1);
      expect(stderr).toContain("Stopped early after waiting for 1 ms: ");
    }
    // It proves that no sidecar has written the user, and must not lapse with the hash of a write that has ended.
    expect(await site.client.pttl(site.keyOf(loginId))).toBeGreaterThan(60_000);
    expect((await site.sync(["push", "--yes"])).exit).toBe(0);
    expect(await site.rows()).toEqual(newest);
  });

  /** Adds a trigger that discards every change of the user's row. */
  async function discardChanges(loginId: string): Promise<void> {
    await site.database.run(
      `CREATE FUNCTION keeps() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$`,
    );
    await site.database.run(
      `CREATE TRIGGER keeps BEFORE UPDATE ON users FOR EACH ROW WHEN (OLD.email = '${loginId}') EXECUTE FUNCTION keeps()`,
    );
  }

  test("says that a trigger is in the way, goes on with the others, and writes the value without the trigger", async () => {
    const [loginId = ""] = moved;
    await discardChanges(loginId);
    expect((await site.sync(["push", "--yes", "--json"])).summary).toMatchObject({
      written: 299,
      altered: 1,
    });
    await site.database.run("DROP TRIGGER keeps ON users");
    expect((await site.sync(["push", "--yes"])).exit).toBe(0);
    expect(await site.rows()).toEqual(newest);
  });

  test("keeps the value that a trigger discarded for longer than its hash", async () => {
    const [loginId = ""] = moved;
    await discardChanges(loginId);
    expect((await site.sync(["push", "--yes", "--json"])).summary).toMatchObject({ altered: 1 });
    await site.client.del(site.keyOf(loginId));
    expect((await site.sync(["push", "--yes", "--json"])).summary).toMatchObject({ unproven: 1 });
    expect(site.kept("sync-push.db")).toContain(newest.get(loginId) ?? "");
  });

  test("refuses to begin while another push works in the same folder", async () => {
    expect((await site.sync(["push"])).exit).toBe(1);
    const [loginId = ""] = moved;
    const lock = await site.lockRow(loginId);
    const first = site.spawn(["push", "--yes"]);
    while (first.exitCode === null && (await site.hashes()).has(loginId)) await Bun.sleep(2);
    for (const words of [["push"], ["push", "--yes"]]) {
      const { exit, stderr } = await site.sync(words);
      expect(exit).toBe(2);
      expect(stderr).toContain("Another program has ./data/sync-push.db open, probably another push");
    }
    await lock[Symbol.asyncDispose]();
    expect((await endOf(first)).exit).toBe(0);
    expect(await site.rows()).toEqual(newest);
  });

  test("has kept the value of a hash that it dropped and whose row it did not come to write", async () => {
    expect((await site.sync(["push"])).exit).toBe(1);
    const [loginId = ""] = moved;
    await killHalfWay(loginId);
    expect((await site.rows()).get(loginId)).not.toBe(newest.get(loginId));
    expect((await site.sync(["push"])).stdout).toContain("are left from an earlier push");
    expect((await site.sync(["push", "--yes"])).exit).toBe(0);
    expect(await site.rows()).toEqual(newest);
  });
}
