import { afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { startRedis } from "../../scripts/servers/redis-server.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import {
  DatabaseUnavailable,
  HashStale,
  OutcomeUnknown,
  UserBlocked,
  UserUnknown,
  ValueAltered,
} from "../../src/errors.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { fill } from "../support/hot-copy-steps.ts";
import { errorOf } from "../support/outcome.ts";
import {
  type OpenedStore,
  openStore,
  placeOf,
  type RedisPlace,
  sharedPlaces,
} from "../support/redis-places.ts";
import { failWith, type Interference, sol, storeOver } from "../support/store-over.ts";

setDefaultTimeout(30_000);

for (const { name, open } of sharedPlaces) {
  describeWithPrivate("redis", `a hash that the site's own write made stale, in ${name}`, () => {
    let place: RedisPlace;
    let redis: OpenedStore;

    beforeAll(async () => {
      place = await open();
    });
    beforeEach(async () => {
      redis = openStore(place);
      await redis.filling();
    });
    afterEach(() => redis.close());

    /** A store that has read the user: the hash is a hit. */
    async function warmStore(data: string, interference: Interference = {}) {
      const over = await storeOver(data, interference, redis.hotCopy);
      await untilHit(over.store.get, data);
      over.finds.length = 0;
      return over;
    }
    const untilHit = async (get: (loginId: string) => Promise<string | null>, data: string) => {
      const isHit = async () => (await get(sol)) === data && (await redis.hotCopy.peek(sol)) === data;
      if (!(await eventually(isHit, true))) throw new Error("the hash does not become a hit");
    };

    test("gives no session until a lookup has got the row, however often it is asked", async () => {
      await using over = await warmStore("old");
      over.table.write(sol, "the site's");
      for (const _ of [1, 2, 3])
        expect(await errorOf(over.store.findForSession(sol))).toBeInstanceOf(HashStale);
      expect(over.events).toEqual(["stale hit", "stale refused", "stale refused"]);
      expect(await over.store.get(sol)).toBe("the site's");
      expect((await over.store.findForSession(sol)).ownIdData).toBe("the site's");
    });

    test("gives no session in another sidecar either, and a lookup there is enough", async () => {
      await using over = await warmStore("old");
      await using elsewhere = openStore(place, { keyPrefix: redis.keyPrefix });
      await elsewhere.filling();
      over.table.write(sol, "the site's");
      expect(await errorOf(over.store.findForSession(sol))).toBeInstanceOf(HashStale);
      expect(await elsewhere.hotCopy.look(sol)).toEqual({ held: null, isStale: true });
      const read = await elsewhere.hotCopy.read(sol);
      expect(read.state).toBe("stale");
      if (read.state === "stale") await read.clear();
      expect((await over.store.findForSession(sol)).ownIdData).toBe("the site's");
    });

    test("stays marked over a restart of the sidecar's memory of Redis: a write clears nothing", async () => {
      await using over = await warmStore("old");
      over.table.write(sol, "the site's");
      expect(await errorOf(over.store.findForSession(sol))).toBeInstanceOf(HashStale);
      expect(await errorOf(over.store.set(sol, "made from the old list"))).toBeInstanceOf(HashStale);
      await over.store.invalidate(sol);
      expect(await errorOf(over.store.findForSession(sol))).toBeInstanceOf(HashStale);
      expect(over.table.read(sol)).toBe("the site's");
    });

    test("lets the mark lapse when nobody reads the user again", async () => {
      await using brief = openStore(place, {
        limits: { ttlMs: 60_000, tokenMs: 500, quarantineMs: 300 },
      });
      await brief.filling();
      await using over = await storeOver("old", {}, brief.hotCopy);
      expect(
        await eventually(async () => (await over.store.get(sol)) === (await brief.hotCopy.peek(sol)), true),
      ).toBe(true);
      over.table.write(sol, "the site's");
      expect(await errorOf(over.store.findForSession(sol))).toBeInstanceOf(HashStale);
      const session = () =>
        over.store.findForSession(sol).then(
          (user) => user.ownIdData,
          () => null,
        );
      expect(await eventually(session, "the site's")).toBe("the site's");
    });

    test("lets no set through that was made from the stale list, until a lookup has got the row", async () => {
      await using over = await warmStore("old");
      over.table.write(sol, "the site's");
      for (const _ of [1, 2])
        expect(await errorOf(over.store.set(sol, "made from old"))).toBeInstanceOf(HashStale);
      expect(over.table.read(sol)).toBe("the site's");
      expect(over.replacements).toEqual([]);
      expect(over.events).toEqual(["stale hit", "stale refused"]);
      expect(await over.store.get(sol)).toBe("the site's");
      await over.store.set(sol, "made from the site's");
      expect(over.table.read(sol)).toBe("made from the site's");
      await untilHit(over.store.get, "made from the site's");
    });

    test("lets no set through when the site writes while the set is under way", async () => {
      await using over = await warmStore("old", {
        beforeReplace: () => over.table.write(sol, "the site's"),
      });
      expect(await errorOf(over.store.set(sol, "made from old"))).toBeInstanceOf(HashStale);
      expect(over.table.read(sol)).toBe("the site's");
      expect(over.events).toEqual(["stale hit"]);
    });

    test("is told from one that another sidecar's set has just changed with the row", async () => {
      let finds = 1;
      await using over = await warmStore("old", {
        // The first look at the row was before the other set was done.
        afterFind: (user) => (finds++ === 0 ? { ...user, ownIdData: "older" } : user),
      });
      finds = 0;
      await over.store.set(sol, "ours");
      expect(over.events).toEqual(["written"]);
      expect(over.table.read(sol)).toBe("ours");
    });

    test("is forgotten by a session that finds no row, and by a set", async () => {
      for (const ask of ["session", "set"] as const) {
        await using over = await warmStore("old");
        over.table.remove(sol);
        const asking = ask === "set" ? over.store.set(sol, "new") : over.store.findForSession(sol);
        expect(await errorOf(asking)).toBeInstanceOf(UserUnknown);
        expect(await errorOf(over.store.get(sol))).toBeInstanceOf(UserUnknown);
      }
    });

    test("is forgotten by a session that finds the user blocked, and never filled again", async () => {
      await using over = await warmStore("old");
      over.table.block(sol);
      expect(await errorOf(over.store.findForSession(sol))).toBeInstanceOf(UserBlocked);
      for (const _ of [1, 2]) expect(await errorOf(over.store.get(sol))).toBeInstanceOf(UserBlocked);
      expect(await redis.hotCopy.peek(sol)).toBeNull();
    });

    test("gives no session for the data under a spelling that the table does not store any more", async () => {
      await using over = await warmStore("old");
      over.table.rename(sol, sol.toUpperCase());
      over.table.write(sol, "the site's");
      expect(await errorOf(over.store.findForSession(sol))).toBeInstanceOf(HashStale);
      expect(await over.store.get(sol)).toBe("the site's");
      expect((await over.store.findForSession(sol)).loginId).toBe(sol.toUpperCase());
      expect(await redis.hotCopy.peek(sol)).toBeNull();
    });

    test("is marked under the stored spelling, and a lookup under another one is enough", async () => {
      await using over = await warmStore("old");
      over.table.write(sol, "the site's");
      expect(await errorOf(over.store.findForSession(sol.toUpperCase()))).toBeInstanceOf(HashStale);
      expect(await errorOf(over.store.findForSession(sol.toUpperCase()))).toBeInstanceOf(HashStale);
      expect(await over.store.get(sol.toUpperCase())).toBe("the site's");
      expect((await over.store.findForSession(sol.toUpperCase())).ownIdData).toBe("the site's");
    });

    test("is forgotten in every spelling when a user who is gone is invalidated", async () => {
      await using over = await warmStore("old");
      await fill(redis.hotCopy, "mia@testmail.com", "hers");
      over.table.remove(sol);
      await over.store.invalidate(sol.toUpperCase());
      expect(await errorOf(over.store.get(sol))).toBeInstanceOf(UserUnknown);
      expect(await redis.hotCopy.peek("mia@testmail.com")).toBe("hers");
    });
  });

  describeWithPrivate("redis", `what a hash holds after a set, in ${name}`, () => {
    let redis: OpenedStore;
    beforeEach(async () => {
      redis = openStore(await open());
      await redis.filling();
    });
    afterEach(() => redis.close());

    test("is what the row holds when a trigger alters the value", async () => {
      await using over = await storeOver("old", {}, redis.hotCopy);
      over.table.run(
        `CREATE TRIGGER trims AFTER UPDATE OF ownIdData ON users
         BEGIN UPDATE users SET ownIdData = trim(NEW.ownIdData) WHERE email = NEW.email; END`,
      );
      expect(await errorOf(over.store.set(sol, " A "))).toBeInstanceOf(ValueAltered);
      expect(await redis.hotCopy.peek(sol)).toBe("A");
      expect((await over.store.findForSession(sol)).ownIdData).toBe("A");
    });

    test("is nothing when the row could not be read back, and readers ask the database at once", async () => {
      await using over = await storeOver(
        "old",
        { beforeFind: (nth) => nth === 2 && failWith(new DatabaseUnavailable("", ""))() },
        redis.hotCopy,
      );
      expect(await errorOf(over.store.set(sol, "new"))).toBeInstanceOf(OutcomeUnknown);
      expect((await redis.hotCopy.read(sol)).state).toBe("miss");
      expect(await over.store.get(sol)).toBe("new");
    });

    test("is nothing when the user was blocked meanwhile", async () => {
      await using over = await storeOver("old", { afterReplace: () => over.table.block(sol) }, redis.hotCopy);
      await over.store.set(sol, "new");
      expect(await redis.hotCopy.peek(sol)).toBeNull();
    });
  });
}

describeWithPrivate("redis", "the mark of a stale hash, when Redis goes away", () => {
  /** A store whose session request has found that the hash is stale. */
  async function storeWithMark(redis: OpenedStore) {
    await redis.filling();
    const over = await storeOver("old", {}, redis.hotCopy);
    const isHit = async () => (await over.store.get(sol)) === (await redis.hotCopy.peek(sol));
    expect(await eventually(isHit, true)).toBe(true);
    over.table.write(sol, "the site's");
    expect(await errorOf(over.store.findForSession(sol))).toBeInstanceOf(HashStale);
    return over;
  }

  test("is remembered by the sidecar that set it, until that has served a lookup", async () => {
    await using server = await startRedis();
    await using redis = openStore(placeOf(server));
    await using over = await storeWithMark(redis);
    await server.kill();
    expect(await errorOf(over.store.findForSession(sol))).toBeInstanceOf(HashStale);
    await server.start();
    expect(await eventually(async () => redis.isLive(), true)).toBe(true);
    expect(await errorOf(over.store.findForSession(sol))).toBeInstanceOf(HashStale);
    expect(await errorOf(over.store.set(sol, "made from old"))).toBeInstanceOf(HashStale);
    expect(await over.store.get(sol)).toBe("the site's");
    expect((await over.store.findForSession(sol)).ownIdData).toBe("the site's");
  });

  test("ends with a lookup that is served while Redis is away", async () => {
    await using server = await startRedis();
    await using redis = openStore(placeOf(server));
    await using over = await storeWithMark(redis);
    await server.kill();
    expect(await over.store.get(sol)).toBe("the site's");
    expect((await over.store.findForSession(sol)).ownIdData).toBe("the site's");
  });
});
