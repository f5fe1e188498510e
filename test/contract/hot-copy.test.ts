import { afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../../scripts/servers/waiting.ts";
import type { HotCopy } from "../../src/coherence/hot-copy.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { fill, isUnavailable, miss } from "../support/hot-copy-steps.ts";
import {
  commandCounts,
  type OpenedStore,
  openStore,
  type RedisPlace,
  resetCommandCounts,
  sharedPlaces,
  withRedis,
} from "../support/redis-places.ts";

setDefaultTimeout(30_000);

const loginIds = Array.from({ length: 60 }, (_, number) => `user ${number}@exämple.com`);

for (const { name, open } of sharedPlaces) {
  describeWithPrivate("redis", `the hot copy in ${name}`, () => {
    let place: RedisPlace;
    let store: OpenedStore;
    let hotCopy: HotCopy;

    beforeAll(async () => {
      place = await open();
    });
    beforeEach(async () => {
      store = openStore(place);
      hotCopy = store.hotCopy;
      await store.filling();
    });
    afterEach(() => store.close());

    test("asks the database before Redis has been reached, and after it has been left", async () => {
      const early = openStore(place);
      expect(await early.hotCopy.read("ann")).toEqual({ state: "ask" });
      expect(await early.hotCopy.peek("ann")).toBeNull();
      await early.firstContact;
      early.close();
      expect(await eventually(async () => (await early.hotCopy.read("ann")).state, "ask")).toBe("ask");
      expect(await isUnavailable(early.hotCopy.begin("ann"))).toBe(true);
    });

    test("misses once, and then hits what the database said", async () => {
      for (const loginId of loginIds) await fill(hotCopy, loginId, `devices of ${loginId}`);
      const hits = await Promise.all(loginIds.map((loginId) => hotCopy.read(loginId)));
      expect(hits).toEqual(loginIds.map((loginId) => ({ state: "hit", value: `devices of ${loginId}` })));
      expect(await hotCopy.peek("user 7@exämple.com")).toBe("devices of user 7@exämple.com");
    });

    test("spends exactly one HMGET on a hit, and no script", async () => {
      for (const loginId of loginIds) await fill(hotCopy, loginId, "devices");
      await resetCommandCounts(place.servers);
      for (let round = 0; round < 5; round += 1) {
        for (const loginId of loginIds) await hotCopy.read(loginId);
        await Promise.all(loginIds.map((loginId) => hotCopy.read(loginId)));
      }
      const counts = await commandCounts(place.servers);
      expect(counts.get("hmget")).toBe(10 * loginIds.length);
      expect(["evalsha", "eval", "fcall", "hget"].filter((command) => counts.has(command))).toEqual([]);
      // Once a second, the mark of the installation is read with GET.
      expect(counts.get("get") ?? 0).toBeLessThan(loginIds.length);
    });

    test("hides the value from BEGIN to END, and hits the committed one afterwards", async () => {
      await fill(hotCopy, "ann", "older");
      const write = await hotCopy.begin("ann");
      expect(await hotCopy.read("ann")).toEqual({ state: "ask" });
      expect(await hotCopy.peek("ann")).toBeNull();
      await write.end("newer");
      expect(await hotCopy.read("ann")).toEqual({ state: "hit", value: "newer" });
    });

    test("holds no value after a write that was not done, or that left the user without data", async () => {
      for (const committed of [null, ""]) {
        await fill(hotCopy, "ann", "older");
        const write = await hotCopy.begin("ann");
        await write.end(committed);
        expect((await hotCopy.read("ann")).state).toBe("miss");
      }
    });

    test("holds no value after two writers that overlapped", async () => {
      const [first, second] = [await hotCopy.begin("ann"), await hotCopy.begin("ann")];
      await first.end("first");
      expect(await hotCopy.read("ann")).toEqual({ state: "ask" });
      await second.end("second");
      expect((await hotCopy.read("ann")).state).toBe("miss");
    });

    test("refuses the fill of a reader that asked before a write", async () => {
      const read = await miss(hotCopy, "ann");
      const write = await hotCopy.begin("ann");
      await read.fill("read before the write");
      await write.end(null);
      await read.fill("read before the write");
      expect(await hotCopy.peek("ann")).toBeNull();
      expect(store.events.filter((event) => event === "fill refused").length).toBe(2);
    });

    test("forgets a user's value, and refuses the fills under way", async () => {
      const read = await miss(hotCopy, "ann");
      await read.fill("devices");
      const late = await miss(hotCopy, "bob");
      await hotCopy.purge("ann");
      await hotCopy.purge("bob");
      await late.fill("read before the purge");
      expect([await hotCopy.peek("ann"), await hotCopy.peek("bob")]).toEqual([null, null]);
      await hotCopy.purge("nobody");
    });

    test("forgets every user's value on every master, and nobody else's", async () => {
      await using neighbor = openStore(place, { keyPrefix: `${store.keyPrefix}*` });
      await neighbor.filling();
      for (const loginId of loginIds) {
        await fill(hotCopy, loginId, "devices");
        await fill(neighbor.hotCopy, loginId, "devices");
      }
      const late = await miss(hotCopy, "late");
      await neighbor.hotCopy.purgeAll();
      expect(await hotsOf(neighbor.hotCopy)).toBe(0);
      expect(await hotsOf(hotCopy)).toBe(loginIds.length);
      await hotCopy.purgeAll();
      expect(await hotsOf(hotCopy)).toBe(0);
      await late.fill("read before the purge");
      expect(await hotCopy.peek("late")).toBeNull();
    });

    test("removes what something else has written under its keys, and goes on", async () => {
      const { keyPrefix, hotCopy: copy } = store;
      const plant = async (loginId: string) => {
        for (const server of place.servers)
          await withRedis(server, (redis) =>
            redis.set(`${keyPrefix}user:${loginId}`, "1").catch(() => "moved"),
          );
      };
      for (const loginId of ["stray", "ann", "bob"]) await plant(loginId);
      await copy.purgeAll();
      expect(store.events.filter((event) => event === "stray removed").length).toBe(3);
      await plant("ann");
      expect(await copy.read("ann")).toEqual({ state: "ask" });
      expect(await eventually(async () => (await copy.read("ann")).state, "miss")).toBe("miss");
      await fill(copy, "ann", "devices");
      expect([await copy.peek("ann"), store.isLive()]).toEqual(["devices", true]);
    });

    test("serves hits in the grace, and fills nothing by readers or writers", async () => {
      await fill(hotCopy, "ann", "devices");
      await using graceful = openStore(place, { keyPrefix: store.keyPrefix, graceMs: 60_000 });
      await graceful.firstContact;
      expect(await eventually(async () => graceful.liveMasters(), store.liveMasters())).toBe(
        store.liveMasters(),
      );
      expect(graceful.isFilling()).toBe(false);
      expect(await graceful.hotCopy.read("ann")).toEqual({ state: "hit", value: "devices" });
      expect(await graceful.hotCopy.read("bob")).toEqual({ state: "ask" });
      const write = await graceful.hotCopy.begin("bob");
      await write.end("written in the grace");
      expect(await hotCopy.peek("bob")).toBeNull();
    });

    test("fills nothing that was asked or begun in the grace, even when it is over", async () => {
      await using early = openStore(place, { graceMs: 400 });
      await early.firstContact;
      expect(await eventually(async () => early.liveMasters(), store.liveMasters())).toBe(
        store.liveMasters(),
      );
      const [read, write] = [await early.hotCopy.read("ann"), await early.hotCopy.begin("bob")];
      await early.filling();
      if (read.state === "miss") await read.fill("another writer may have changed it since");
      await write.end("another writer may have changed it since");
      expect([await early.hotCopy.peek("ann"), await early.hotCopy.peek("bob")]).toEqual([null, null]);
    });

    test("does not begin the grace again for a sidecar that joins later", async () => {
      const graceMs = 1000;
      await using first = openStore(place, { graceMs });
      await first.filling();
      await using joiner = openStore(place, { keyPrefix: first.keyPrefix, graceMs });
      await joiner.firstContact;
      // In a Cluster, the master that holds the record of another one's epoch may still be connecting.
      expect(await eventually(async () => joiner.isFilling(), true, graceMs / 2)).toBe(true);
      expect((await joiner.hotCopy.read("ann")).state).toBe("miss");
    });

    test("lets two sidecars see each other's writes at once", async () => {
      await using other = openStore(place, { keyPrefix: store.keyPrefix });
      await other.filling();
      for (let turn = 0; turn < 20; turn += 1) {
        const [writer, reader] = turn % 2 === 0 ? [hotCopy, other.hotCopy] : [other.hotCopy, hotCopy];
        const write = await writer.begin("ann");
        expect(await reader.read("ann")).toEqual({ state: "ask" });
        await write.end(`turn ${turn}`);
        expect(await reader.read("ann")).toEqual({ state: "hit", value: `turn ${turn}` });
      }
    });

    test("keeps values to the byte", async () => {
      const values = ['{"a":"\u2028👩🏽‍🚀"}', "\"'\\\r\n\0", "0123456789ab".repeat(5000)];
      for (const value of values) {
        const write = await hotCopy.begin("ann");
        await write.end(value);
        expect(await hotCopy.peek("ann")).toBe(value);
        await hotCopy.purge("ann");
        await fill(hotCopy, "ann", value);
        expect(await hotCopy.peek("ann")).toBe(value);
      }
    });

    test("gives each value a life of T, give or take a tenth, and a token one of F", async () => {
      for (const loginId of loginIds) await fill(hotCopy, loginId, "devices");
      await miss(hotCopy, "nobody");
      const lives = await lifetimes(place, store.keyPrefix);
      const values = [...lives].filter(([key]) => !key.endsWith("nobody")).map(([, ms]) => ms);
      expect(values.length).toBe(loginIds.length);
      expect(values.every((ms) => ms > 50_000 && ms <= 66_000)).toBe(true);
      expect(Math.max(...values) - Math.min(...values) > 2000).toBe(true);
      const token = lives.get(`${store.keyPrefix}user:nobody`) ?? 0;
      expect(token > 3000 && token <= 5000).toBe(true);
    });

    test("keeps values for ever where T is 0", async () => {
      const limits = { ttlMs: 0, tokenMs: 5000, quarantineMs: 10_000 };
      await using lasting = openStore(place, { limits });
      await lasting.filling();
      await fill(lasting.hotCopy, "ann", "devices");
      const write = await lasting.hotCopy.begin("bob");
      await write.end("devices");
      expect([...(await lifetimes(place, lasting.keyPrefix)).values()]).toEqual([-1, -1]);
    });
  });
}

async function hotsOf(hotCopy: HotCopy): Promise<number> {
  const values = await Promise.all(loginIds.map((loginId) => hotCopy.peek(loginId)));
  return values.filter((value) => value !== null).length;
}

/** By key, how long each hash lives, ms; -1 for ever. */
async function lifetimes({ servers }: RedisPlace, prefix: string): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const server of servers) {
    await withRedis(server, async (redis) => {
      for (const key of await redis.keys(`${prefix}user:*`)) found.set(key, await redis.pttl(key));
    });
  }
  return found;
}
