import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { startFaultProxy } from "../../scripts/servers/fault-proxy.ts";
import { type PostgresServer, startPostgres } from "../../scripts/servers/postgres-server.ts";
import { type RedisServer, startRedis } from "../../scripts/servers/redis-server.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { placeOf } from "../support/redis-places.ts";
import {
  createSyncedSite,
  endOf,
  enrolled,
  type SyncedSite,
  type SyncProcess,
} from "../support/synced-site.ts";

setDefaultTimeout(60_000);

const users = 3000;
const slowly = ["--batch", "100", "--rate", "1000"];
const patience = ["--patience", "1s"];
const sides = ["Redis", "the database"] as const;
type Side = (typeof sides)[number];
const reasons: Record<Side, RegExp> = {
  Redis: /^Stopped early after waiting for 1 s: Redis /m,
  "the database": /^Stopped early after waiting for 1 s: the (?:connection to the )?database /m,
};
let databases = 0;

describeWithPrivate("postgres", "Postgres", () => {
  describeWithPrivate("redis", "Redis", () => {
    let redis: RedisServer;
    let postgres: PostgresServer;

    beforeAll(async () => {
      [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
    });
    afterAll(async () => {
      await Promise.all([redis?.remove(), postgres?.remove()]);
    });

    const serverOf = (side: Side) => (side === "Redis" ? redis : postgres);

    async function openSite(): Promise<SyncedSite> {
      databases += 1;
      const databaseUrl = await postgres.createDatabase(`silence_${databases}`);
      return createSyncedSite({
        kind: "postgres",
        databaseUrl,
        place: placeOf(redis),
        users,
        isGraceOver: true,
      });
    }

    /** Freezes the side once the command has begun to work, and resolves when the command ends or says that it waits. */
    async function freezeAtWork(child: SyncProcess, side: Side) {
      const errors = await untilTold(child, '"step":');
      await serverOf(side).freeze();
      return untilTold({ stderr: errors }, `"waitingFor":"`);
    }

    /** Freezes the side while the command works, and thaws it once the command has told that it waits. */
    async function endAfterSilence(child: SyncProcess, side: Side) {
      const errors = await freezeAtWork(child, side);
      await serverOf(side).thaw();
      const end = await endOf(child, errors);
      expect(end.stderr).toContain(`"waitingFor":"`);
      return end;
    }

    /** Freezes the side while the command works, until the command has ended. */
    async function endInSilence(child: SyncProcess, side: Side) {
      const errors = await freezeAtWork(child, side);
      const end = await endOf(child, errors);
      await serverOf(side).thaw();
      return end;
    }

    test("a command waits for a database that accepts no connections when it starts", async () => {
      await using site = await openSite();
      await using proxy = await startFaultProxy({ host: "127.0.0.1", port: postgres.port });
      await proxy.refuse();
      const url = new URL(postgres.url(`silence_${databases}`));
      url.port = String(proxy.port);
      // The installation is another one, too, so it needs its own keys.
      const changes = { DATABASE_URL: url.href, REDIS_KEY_PREFIX: "elsewhere:" };
      const child = site.spawn(["verify", "--json"], changes);
      const errors = await untilTold(child, '"step":"connecting to Redis and the database"');
      await proxy.accept();
      const { exit, summary } = await endOf(child, errors);
      expect({ exit, ...summary }).toMatchObject({ exit: 0, users });
    });

    test.each(sides)("a verify waits while %s is silent for a moment, and ends well", async (side) => {
      await using site = await openSite();
      expect((await site.sync(["warm"])).exit).toBe(0);
      const { exit, summary } = await endAfterSilence(site.spawn(["verify", ...slowly, "--json"]), side);
      expect({ exit, ...summary }).toMatchObject({ exit: 0, users, believed: 2700 });
    });

    test.each(sides)(
      "a warm stops if %s stays silent, is resumed, and waits out a moment's silence",
      async (side) => {
        await using site = await openSite();
        const stopped = await endInSilence(site.spawn(["warm", ...slowly, ...patience]), side);
        expect(stopped.exit).toBe(1);
        expect(stopped.stderr).toMatch(reasons[side]);
        expect(stopped.stderr).toContain(
          `Then continue with: bun run sync warm ${[...slowly, ...patience].join(" ")} --resume\n`,
        );
        const resumed = await endAfterSilence(site.spawn(["warm", "--resume", ...slowly, "--json"]), side);
        expect({ exit: resumed.exit, ...resumed.summary }).toMatchObject({ exit: 0, left: 0 });
        expect(await site.hashes()).toEqual(enrolled(await site.rows()));
      },
    );

    test.each(sides)(
      "a push stops if %s stays silent, is continued, and waits out a moment's silence",
      async (side) => {
        await using site = await openSite();
        expect((await site.sync(["warm"])).exit).toBe(0);
        const newest = await site.rows();
        await site.database.run(`UPDATE users SET "ownIdData" = 'older' WHERE "ownIdData" IS NOT NULL`);
        expect((await site.sync(["push"])).exit).toBe(1);
        const stopped = await endInSilence(site.spawn(["push", "--yes", ...slowly, ...patience]), side);
        expect(stopped.exit).toBe(1);
        expect(stopped.stderr).toMatch(reasons[side]);
        expect(stopped.stderr).toContain(
          `Then continue with: bun run sync push --yes ${[...slowly, ...patience].join(" ")}\n`,
        );
        const continued = await endAfterSilence(site.spawn(["push", "--yes", ...slowly, "--json"]), side);
        expect({ exit: continued.exit, ...continued.summary }).toMatchObject({ exit: 0, holds: true });
        expect(await site.rows()).toEqual(newest);
      },
    );
  });
});

/** Resolves once standard error contains the text or has ended. Returns a stream of all that it contains. */
async function untilTold(
  { stderr }: Pick<SyncProcess, "stderr">,
  text: string,
): Promise<SyncProcess["stderr"]> {
  const [watched, all] = stderr.tee();
  let told = "";
  for await (const chunk of watched.pipeThrough(new TextDecoderStream())) {
    told += chunk;
    if (told.includes(text)) break;
  }
  return all;
}
