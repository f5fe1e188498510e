import { afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { DatabaseUnavailable, OutcomeUnknown, UserBlocked, UserUnknown } from "../../src/errors.ts";
import type { HotCopy } from "../../src/store/hot-copy.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { outcomeOf } from "../support/outcome.ts";
import {
  type OpenedStore,
  openStore,
  placeOf,
  type RedisPlace,
  sharedPlaces,
  withRedis,
} from "../support/redis-places.ts";
import { startRedis } from "../support/redis-server.ts";
import { failWith, type Interference, sol, statementMs, storeOver } from "../support/store-over.ts";
import { eventually } from "../support/waiting.ts";

setDefaultTimeout(30_000);

for (const { name, open } of sharedPlaces) {
  describeWithPrivate("redis", `a set over a hit in ${name}`, () => {
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

    const warmStore = (data: string, interference?: Interference) =>
      warmStoreOver(redis.hotCopy, data, interference);

    test("changes the row in one statement, reads nothing, and leaves a hit", async () => {
      await using over = await warmStore("old");
      const databaseTimeMs = Date.now();
      await over.store.set(sol, "new");
      expect(over.table.read(sol)).toBe("new");
      expect(over.finds).toEqual([]);
      expect(over.replacements).toMatchObject([{ loginId: sol, expected: "old", replacement: "new" }]);
      expect(over.replacements[0]?.deadlineMs).toBeLessThanOrEqual(databaseTimeMs + statementMs + 50);
      expect(await redis.hotCopy.peek(sol)).toBe("new");
      await over.store.set(sol, "newer");
      expect(over.finds).toEqual([]);
      expect(over.table.read(sol)).toBe("newer");
    });

    test("overwrites what the site has written since only after having read it", async () => {
      await using over = await warmStore("old");
      over.table.write(sol, "the site's");
      await over.store.set(sol, "ours");
      expect(over.replacements.map(({ expected }) => expected)).toEqual(["old", "the site's"]);
      expect(over.table.read(sol)).toBe("ours");
      expect(await over.store.get(sol)).toBe("ours");
    });

    test("is refused for a user whom the site has blocked since", async () => {
      await using over = await warmStore("old");
      over.table.block(sol);
      await expect(over.store.set(sol, "new")).rejects.toThrow(UserBlocked);
      expect(over.table.read(sol)).toBe("old");
      expect(await over.store.get(sol)).toBe("old");
    });

    test("is refused for a user whom the site has deleted since, whom nobody finds any more", async () => {
      await using over = await warmStore("old");
      over.table.remove(sol);
      await expect(over.store.set(sol, "new")).rejects.toThrow(UserUnknown);
      await expect(over.store.get(sol)).rejects.toThrow(UserUnknown);
      expect(over.table.count()).toBe(0);
    });

    test("leaves no stale hit under the spelling that the site has chosen since", async () => {
      await using over = await warmStore("old");
      const renamed = sol.toUpperCase();
      over.table.rename(sol, renamed);
      const isHit = async () => (await over.store.get(renamed)) === (await redis.hotCopy.peek(renamed));
      expect(await eventually(isHit, true)).toBe(true);
      await over.store.set(sol, "new");
      expect(over.table.read(renamed)).toBe("new");
      expect(await over.store.get(renamed)).toBe("new");
      expect(await over.store.get(sol)).toBe("new");
    });

    test("writes nothing when the value is there already", async () => {
      await using over = await warmStore("same");
      await over.store.set(sol, "same");
      expect(over.replacements).toEqual([]);
      expect(await over.store.get(sol)).toBe("same");
    });

    test("does not take the hash's word that the value is there already", async () => {
      await using over = await warmStore("ours");
      over.table.write(sol, "the site's");
      await over.store.set(sol, "ours");
      expect(over.table.read(sol)).toBe("ours");
    });

    test("reads the row first while the database's clock is not known", async () => {
      await using over = await warmStore("old", { databaseTimeMs: () => null });
      await over.store.set(sol, "new");
      expect(over.finds).toHaveLength(1);
      expect(over.table.read(sol)).toBe("new");
    });

    test("makes a statement that arrives late change nothing, and then begins anew", async () => {
      await using over = await warmStore("old", { databaseTimeMs: () => Date.now() - 2 * statementMs });
      await over.store.set(sol, "new");
      expect(over.replacements).toHaveLength(2);
      expect(over.finds).toHaveLength(1);
      expect(over.table.read(sol)).toBe("new");
    });

    test("hides the user while it is not known whether it was done", async () => {
      await using over = await warmStore("old", { beforeReplace: failWith(new OutcomeUnknown()) });
      await expect(over.store.set(sol, "new")).rejects.toThrow(OutcomeUnknown);
      expect(over.replacements).toHaveLength(1);
      expect(await redis.hotCopy.read(sol)).toEqual({ state: "ask" });
      expect(await over.store.get(sol)).toBe("old");
    });

    test("is acknowledged when the answer was lost and the row reads as written, and hides the user", async () => {
      await using over = await warmStore("old", { afterReplace: failWith(new OutcomeUnknown()) });
      await over.store.set(sol, "new");
      expect(over.table.read(sol)).toBe("new");
      expect(await redis.hotCopy.read(sol)).toEqual({ state: "ask" });
      expect(await over.store.get(sol)).toBe("new");
    });

    test("passes on what is known not to have been done, and hides nothing", async () => {
      const refusal = new DatabaseUnavailable("", "");
      await using over = await warmStore("old", { beforeReplace: failWith(refusal) });
      await expect(over.store.set(sol, "new")).rejects.toBe(refusal);
      expect(over.replacements).toHaveLength(1);
      expect(over.finds).toEqual([]);
      expect((await redis.hotCopy.read(sol)).state).toBe("miss");
    });

    test("of many at once, each commits or says that it did not, and no hit is stale", async () => {
      await using over = await warmStore("old");
      const values = Array.from({ length: 12 }, (_, index) => `value ${index}`);
      const outcomes = await Promise.allSettled(values.map((value) => over.store.set(sol, value)));
      const done = values.filter((_, index) => outcomes[index]?.status === "fulfilled");
      expect(done).toContain(over.table.read(sol) ?? "");
      expect(await over.store.get(sol)).toBe(over.table.read(sol));
    });
  });
}

describeWithPrivate("redis", "a set over a hit in a Redis that refuses to write", () => {
  test("is answered as the row says, and 503 only where it would have to write", async () => {
    await using server = await startRedis();
    await using redis = openStore(placeOf(server));
    await redis.filling();
    await using over = await warmStoreOver(redis.hotCopy, "old");
    await withRedis(server, (client) => client.config("SET", "min-replicas-to-write", "1"));
    const settled = (ownIdData: string) => outcomeOf(over.store.set(sol, ownIdData));
    expect(await settled("old")).toBe("done");
    expect(await settled("new")).toBe("ERR_REDIS_UNAVAILABLE");
    expect(over.table.read(sol)).toBe("old");
    over.table.block(sol);
    expect(await settled("new")).toBe("ERR_USER_BLOCKED");
    over.table.remove(sol);
    expect(await settled("new")).toBe("ERR_USER_UNKNOWN");
  });
});

/**
 * A store that has read the user: the hash is a hit. The database's clock, this machine's own, stays known, however
 * long a busy machine takes for a test.
 */
async function warmStoreOver(hotCopy: HotCopy, data: string, interference: Interference = {}) {
  const over = await storeOver(data, { databaseTimeMs: Date.now, ...interference }, hotCopy);
  const isHit = async () => (await over.store.get(sol)) === (await hotCopy.peek(sol));
  if (!(await eventually(isHit, true))) throw new Error("the hash does not become a hit");
  over.finds.length = 0;
  return over;
}
