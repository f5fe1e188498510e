import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import { type RedisServer, sharedRedis, startRedis } from "../../scripts/servers/redis-server.ts";
import { describeWith } from "../support/describe-with.ts";
import { placeOf } from "../support/redis-places.ts";
import {
  createSyncedSite,
  endOf,
  enrolled,
  loginIdOf,
  type SyncedSite,
  type SyncProcess,
} from "../support/synced-site.ts";

setDefaultTimeout(60_000);

let databases = 0;

/** On the shared Redis nothing waits for the grace; on a Redis of its own everything does. */
async function openSite(users: number, redis?: RedisServer): Promise<SyncedSite> {
  databases += 1;
  const databaseUrl = await (await sharedPostgres()).createDatabase(`stopped_${databases}`);
  return createSyncedSite({
    kind: "postgres",
    databaseUrl,
    place: placeOf(redis ?? (await sharedRedis())),
    users,
    isGraceOver: redis === undefined,
  });
}

/** Resolves once a command has shown progress, with all of its standard error. */
async function whileWorking(child: SyncProcess): Promise<SyncProcess["stderr"]> {
  const [watched, errors] = child.stderr.tee();
  await watched.getReader().read();
  return errors;
}

/** Starts a slow warm and waits until it has done this many users. */
async function warmUntil(site: SyncedSite, users: number, ...more: string[]) {
  const child = site.spawn(["warm", "--batch", "100", "--rate", "2000", ...more]);
  const isThere = () => Number(JSON.parse(site.kept("sync-warm.json") ?? "{}").users ?? 0) >= users;
  const deadline = performance.now() + 20_000;
  while (!isThere() && child.exitCode === null && performance.now() < deadline) await Bun.sleep(5);
  expect(isThere()).toBe(true);
  return child;
}

describeWith("postgres", "Postgres", () => {
  describeWith("redis", "Redis", () => {
    describe("a warm that is killed", () => {
      test("ends in the same state once it is resumed", async () => {
        await using site = await openSite(6000);
        const child = await warmUntil(site, 2000);
        child.kill("SIGKILL");
        expect((await endOf(child)).exit).toBe("SIGKILL");
        const before = (await site.hashes()).size;
        expect(before).toBeGreaterThan(1700);
        expect(before).toBeLessThan(5400);
        const { exit, summary } = await site.sync(["warm", "--resume", "--json"]);
        expect({ exit, ...summary }).toMatchObject({ exit: 0, left: 0 });
        expect(Number(summary.users)).toBeLessThanOrEqual(4000);
        expect(await site.hashes()).toEqual(enrolled(await site.rows()));
        expect(site.kept("sync-warm.json")).toBeNull();
      });
    });

    describe("a warm that is asked to stop", () => {
      test.each(["SIGINT", "SIGTERM"] as const)(
        "finishes its batch on %s and says how to go on",
        async (signal) => {
          await using site = await openSite(4000);
          const child = await warmUntil(site, 1000, "--keep");
          child.kill(signal);
          // `bun run` passes on what a terminal has sent to both.
          await Bun.sleep(10);
          child.kill(signal);
          const { exit, stdout, stderr } = await endOf(child);
          expect(exit).toBe(1);
          expect(stderr).toContain("Stopping after this batch.");
          expect(stdout).toContain(
            "Stopped. Continue with: bun run sync warm --batch 100 --rate 2000 --keep --resume",
          );
          expect((await site.sync(["verify"])).exit).toBe(0);
          expect((await site.sync(["warm", "--resume", "--keep"])).exit).toBe(0);
          expect(await site.hashes()).toEqual(enrolled(await site.rows()));
          expect(await site.client.ttl(site.keyOf(loginIdOf(1)))).toBe(-1);
        },
      );
    });

    test("a verify that is stopped says that nothing was written, and one that repairs what stays", async () => {
      await using site = await openSite(4000);
      for (const [words, told] of [
        [["verify"], "Stopped before the end. Nothing was written."],
        [["verify", "--repair"], "Stopped before the end. What was corrected until then stays corrected."],
      ] as const) {
        const child = site.spawn([...words, "--rate", "1000", "--batch", "100"]);
        const errors = await whileWorking(child);
        child.kill("SIGINT");
        const { exit, stdout } = await endOf(child, errors);
        expect({ exit, last: stdout.trimEnd().split("\n").at(-1) }).toEqual({ exit: 1, last: told });
      }
    });

    test("a warm that waits for the grace stops at once", async () => {
      await using redis = await startRedis();
      await using site = await openSite(100, redis);
      const child = site.spawn(["warm"], { COHERENCE_GRACE_MS: "30000" });
      while (site.kept("sync-warm.json") === null && child.exitCode === null) await Bun.sleep(5);
      const startedAt = performance.now();
      child.kill("SIGINT");
      const { exit, stdout } = await endOf(child);
      expect(performance.now() - startedAt).toBeLessThan(10_000);
      expect(exit).toBe(1);
      expect(stdout).toContain("Stopped. Continue with: bun run sync warm --resume");
      expect(await site.hashes()).toEqual(new Map());
    });

    test("a warm that cannot connect says to begin again, since nothing can be resumed", async () => {
      await using site = await openSite(10);
      const absent = { DATABASE_URL: "postgres://nobody@127.0.0.1:1/absent" };
      const begun = await site.sync(["warm", "--keep"], absent);
      expect({ exit: begun.exit, last: begun.stderr.trimEnd().split("\n").at(-1) }).toEqual({
        exit: 1,
        last: "Then begin again with: bun run sync warm --keep",
      });
    });

    test("a folder that nothing can be kept in is wrong usage", async () => {
      await using site = await openSite(10);
      await Bun.write(site.at("data"), "no folder");
      for (const words of [["warm"], ["warm", "--resume"], ["push"]]) {
        const { exit, stderr } = await site.sync(words);
        expect(exit).toBe(2);
        expect(stderr).toContain(
          "How far it has come is kept in ./data, and this account cannot write there",
        );
      }
    });

    test("a push follows no listing from before a restart of Redis", async () => {
      await using redis = await startRedis({ settings: { appendonly: "yes" } });
      await using site = await openSite(100, redis);
      await site.sync(["warm"]);
      await site.alterRow(loginIdOf(1), "older data");
      expect((await site.sync(["push"])).stdout).toContain("1 hash holds another value");
      await redis.kill();
      await redis.start();
      const { exit, stderr } = await site.sync(["push", "--yes"]);
      expect(exit).toBe(2);
      expect(stderr).toContain("List again: bun run sync push");
      expect((await site.rows()).get(loginIdOf(1))).toBe("older data");
    });

    describe("--resume", () => {
      test("is refused with status 2 where it would leave users out", async () => {
        await using redis = await startRedis({ settings: { appendonly: "yes" } });
        await using site = await openSite(3000, redis);
        const refusals: string[] = [];
        const resume = async (...[args, changes]: Parameters<typeof site.sync>) => {
          const { exit, stderr } = await site.sync(["warm", "--resume", ...args], changes);
          expect(exit).toBe(2);
          refusals.push(stderr.split("\n")[0] ?? "");
        };
        await resume([]);
        const child = await warmUntil(site, 500);
        child.kill("SIGKILL");
        await child.exited;
        await resume(["--keep"]);
        await resume([], { REDIS_KEY_PREFIX: "other:" });
        await site.database.run("CREATE TABLE others (LIKE users INCLUDING ALL)");
        await resume([], { USERS_TABLE: "others", REDIS_KEY_PREFIX: "others:" });
        await redis.kill();
        await redis.start();
        await resume([]);
        expect(refusals).toEqual([
          "Nothing to resume: no warm was stopped in this folder. Start again without --resume.",
          "Nothing to resume: the last warm was begun without --keep. Start again without --resume.",
          "Nothing to resume: the last warm was of another table or prefix. Start again without --resume.",
          "Nothing to resume: the last warm was of another table or prefix. Start again without --resume.",
          "Nothing to resume: Redis has restarted or failed over since, so what was filled before is not believed. Start again without --resume.",
        ]);
        expect((await site.sync(["warm"])).exit).toBe(0);
        expect((await site.sync(["verify"])).exit).toBe(0);
      });
    });

    test("a restart of Redis in the middle fails the warm, and a new one fixes that", async () => {
      await using redis = await startRedis({ settings: { appendonly: "yes" } });
      await using site = await openSite(3000, redis);
      const child = await warmUntil(site, 500);
      await redis.kill();
      await redis.start();
      const { exit, stdout } = await endOf(child);
      expect(exit).toBe(1);
      expect(stdout).toContain("Redis restarted or failed over meanwhile");
      expect((await site.sync(["verify"])).exit).toBe(0);
      expect((await site.sync(["warm"])).exit).toBe(0);
      const { summary } = await site.sync(["verify", "--json"]);
      expect(summary).toMatchObject({ holds: true, believed: 2700 });
    });

    test("--rate is kept, and progress is told as a line of JSON a second", async () => {
      await using site = await openSite(3000);
      await site.sync(["warm"]);
      const startedAt = performance.now();
      const { exit, stderr } = await site.sync(["verify", "--rate", "2000"]);
      expect(exit).toBe(0);
      // Rows, and after them hashes.
      expect(performance.now() - startedAt).toBeGreaterThan(2500);
      const lines = stderr
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(lines[0]).toMatchObject({ step: "rows", total: 3000 });
      expect(lines[0].users).toBeGreaterThan(1000);
      expect(lines[0].users).toBeLessThanOrEqual(3000);
    });
  });
});
