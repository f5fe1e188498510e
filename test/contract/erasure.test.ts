import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { startRedis } from "../../scripts/servers/redis-server.ts";
import {
  ErasureIncomplete,
  HashStale,
  HotCopyUnavailable,
  OutcomeUnknown,
  UserUnknown,
  WriteSuppressed,
} from "../../src/errors.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { fill, hold } from "../support/hot-copy-steps.ts";
import { errorOf } from "../support/outcome.ts";
import { type OpenedStore, openStore, placeOf, sharedPlaces } from "../support/redis-places.ts";
import { failWith, sol, storeOver } from "../support/store-over.ts";

setDefaultTimeout(30_000);

const upperSol = sol.toUpperCase();

for (const { name, open } of sharedPlaces) {
  describeWithPrivate("redis", `erasing a user's data, in ${name}`, () => {
    let redis: OpenedStore;
    beforeEach(async () => {
      redis = openStore(await open());
      await redis.filling();
    });
    afterEach(() => redis.close());
    const heldIn = async (loginId: string) => (await redis.hotCopy.inspect(loginId)).value;

    test("makes the column NULL and forgets what Redis holds, under both spellings", async () => {
      for (const data of ["data", "", null]) {
        await using over = await storeOver(data, {}, redis.hotCopy);
        for (const spelling of [sol, upperSol]) await fill(redis.hotCopy, spelling, "data");
        await over.store.erase(upperSol);
        expect(over.table.read(sol)).toBeNull();
        expect([await heldIn(sol), await heldIn(upperSol), await over.store.get(sol)]).toEqual([
          null,
          null,
          null,
        ]);
      }
    });

    test("erases a user who is blocked, or becomes blocked meanwhile, and the user stays blocked", async () => {
      await using over = await storeOver("data", {}, redis.hotCopy);
      over.table.block(sol);
      await over.store.erase(sol);
      expect((await over.store.inspect(sol)).user).toMatchObject({ ownIdData: null, blocked: true });
      await using racing = await storeOver(
        "data",
        { beforeReplace: () => racing.table.block(sol) },
        redis.hotCopy,
      );
      await racing.store.erase(sol);
      expect((await racing.store.inspect(sol)).user).toMatchObject({ ownIdData: null, blocked: true });
    });

    test("erases whatever a stale hash or another writer says", async () => {
      await using over = await storeOver(
        "old",
        { beforeReplace: (nth) => nth === 1 && over.table.write(sol, "another writer's") },
        redis.hotCopy,
      );
      await fill(redis.hotCopy, sol, "old");
      over.table.write(sol, "the site's");
      expect(await errorOf(over.store.findForSession(sol))).toBeInstanceOf(HashStale);
      await over.store.erase(sol);
      expect([over.table.read(sol), await heldIn(sol)]).toEqual([null, null]);
    });

    test("is not undone by a reader who saw the row before", async () => {
      await using over = await storeOver("data", {}, redis.hotCopy);
      const read = await redis.hotCopy.read(sol);
      await over.store.erase(sol);
      if (read.state === "miss") await read.fill("data");
      expect([read.state, await heldIn(sol)]).toEqual(["miss", null]);
    });

    test("of a user who is gone forgets every spelling, and says that there is no such user", async () => {
      await using over = await storeOver("data", {}, redis.hotCopy);
      await fill(redis.hotCopy, sol, "data");
      over.table.remove(sol);
      expect(await errorOf(over.store.erase(upperSol))).toBeInstanceOf(UserUnknown);
      expect(await heldIn(sol)).toBeNull();
    });

    test("may be repeated after every failure", async () => {
      await using over = await storeOver(
        "data",
        { afterReplace: (nth) => nth === 1 && lose() },
        redis.hotCopy,
      );
      const lose = failWith(new OutcomeUnknown("the answer was lost"));
      over.table.run(
        "CREATE TRIGGER drops BEFORE UPDATE OF ownIdData ON users BEGIN SELECT RAISE(IGNORE); END",
      );
      expect(await errorOf(over.store.erase(sol))).toBeInstanceOf(OutcomeUnknown);
      expect(await errorOf(over.store.erase(sol))).toBeInstanceOf(WriteSuppressed);
      expect(over.table.read(sol)).toBe("data");
      over.table.run("DROP TRIGGER drops");
      await over.store.erase(sol);
      expect([over.table.read(sol), await heldIn(sol)]).toEqual([null, null]);
    });
  });

  describeWithPrivate("redis", `looking at all that is held of a user, in ${name}`, () => {
    test("shows the row, and the hash with its expiry", async () => {
      await using redis = openStore(await open());
      await redis.filling();
      await using over = await storeOver("data", {}, redis.hotCopy);
      expect((await over.store.inspect(upperSol)).hot).toEqual({
        value: null,
        isStale: false,
        expiresInMs: null,
      });
      await hold(redis.hotCopy, sol, "held");
      const { user, hot } = await over.store.inspect(upperSol);
      expect(user).toMatchObject({ loginId: sol, ownIdData: "data", blocked: false });
      expect(hot).toEqual({ value: "held", isStale: false, expiresInMs: expect.any(Number) });
      expect(hot.expiresInMs).toBeWithin(50_000, 67_000);
      expect(await errorOf(over.store.findForSession(sol))).toBeInstanceOf(HashStale);
      expect((await over.store.inspect(sol)).hot).toMatchObject({ value: null, isStale: true });
    });
  });
}

describeWithPrivate("redis", "while Redis is away, a user's data", () => {
  test("are not called erased, and nothing is said of what Redis holds", async () => {
    await using server = await startRedis();
    await using redis = openStore(placeOf(server));
    await redis.filling();
    await using over = await storeOver("data", {}, redis.hotCopy);
    await server.kill();
    expect(await errorOf(over.store.erase(sol))).toBeInstanceOf(HotCopyUnavailable);
    expect(await errorOf(over.store.inspect(sol))).toBeInstanceOf(HotCopyUnavailable);
    expect(over.table.read(sol)).toBe("data");
    over.table.write(sol, null);
    expect(await errorOf(over.store.erase(sol))).toBeInstanceOf(ErasureIncomplete);
  });
});
