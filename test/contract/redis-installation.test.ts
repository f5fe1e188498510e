import { beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import type { Redis } from "ioredis";
import { eventually } from "../../scripts/servers/waiting.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { fill, write } from "../support/hot-copy-steps.ts";
import { type OpenedStore, openStore, sharedPlaces, withRedis } from "../support/redis-places.ts";

setDefaultTimeout(30_000);

const randomDigest = () => crypto.randomUUID().replaceAll("-", "").slice(0, 16);

async function reasonOf(store: OpenedStore, wanted: string | undefined): Promise<string | undefined> {
  return await eventually(async () => store.impairment()?.reason, wanted, 10_000);
}

for (const { name, open } of sharedPlaces) {
  describeWithPrivate("redis", `installations that share ${name}`, () => {
    let keyPrefix: string;
    let oneTable: string;
    let anotherTable: string;

    beforeEach(() => {
      keyPrefix = `test:${crypto.randomUUID()}:`;
      [oneTable, anotherTable] = [randomDigest(), randomDigest()];
    });

    test("do not answer each other's users under one prefix, whatever the other one writes", async () => {
      const place = await open();
      await using users = openStore(place, { keyPrefix, installation: oneTable });
      await using admins = openStore(place, { keyPrefix, installation: anotherTable });
      await Promise.all([users.filling(), admins.filling()]);
      await fill(users.hotCopy, "ann", "devices of the user");
      await write(users.hotCopy, "bob", "devices of the user");
      for (const loginId of ["ann", "bob"]) {
        expect(await admins.hotCopy.peek(loginId)).toBeNull();
        expect((await admins.hotCopy.read(loginId)).state).toBe("miss");
        await write(admins.hotCopy, loginId, "devices of the administrator");
        expect(await admins.hotCopy.peek(loginId)).toBe("devices of the administrator");
        expect(await users.hotCopy.peek(loginId)).toBeNull();
        expect((await users.hotCopy.read(loginId)).state).toBe("miss");
      }
    });

    test("keep no value that a late END or FILL of the other one would store", async () => {
      const place = await open();
      await using users = openStore(place, { keyPrefix, installation: oneTable });
      await using admins = openStore(place, { keyPrefix, installation: anotherTable });
      await Promise.all([users.filling(), admins.filling()]);
      const begun = await users.hotCopy.begin("ann");
      await write(admins.hotCopy, "ann", "devices of the administrator");
      await begun.end("devices of the user");
      expect(await admins.hotCopy.peek("ann")).toBeNull();
      expect(await users.hotCopy.peek("ann")).toBeNull();
    });

    test("are told who came second, until the first one gives the prefix up", async () => {
      const place = await open();
      await using users = openStore(place, { keyPrefix, installation: oneTable });
      await users.filling();
      await using admins = openStore(place, { keyPrefix, installation: anotherTable });
      await using sibling = openStore(place, { keyPrefix, installation: oneTable });
      const conflict = `the keys under ${keyPrefix} belong to another installation: another database, table or columns`;
      expect(await reasonOf(admins, conflict)).toBe(conflict);
      expect(admins.impairment()?.fix).toEndWith(`redis-cli DEL ${keyPrefix}installation`);
      await sibling.filling();
      expect([users.impairment(), sibling.impairment()]).toEqual([null, null]);
      users.close();
      sibling.close();
      await forgetMark(place.servers, `${keyPrefix}installation`);
      expect(await reasonOf(admins, undefined)).toBeUndefined();
    });

    test("are told of a mark that is none", async () => {
      const place = await open();
      for (const server of place.servers) {
        const plant = (redis: Redis) => redis.hset(`${keyPrefix}installation`, "a", "b").catch(() => 0);
        await withRedis(server, plant);
      }
      await using users = openStore(place, { keyPrefix, installation: oneTable });
      const conflict = `the keys under ${keyPrefix} belong to another installation: another database, table or columns`;
      expect(await reasonOf(users, conflict)).toBe(conflict);
    });

    test("of two that start at once, one is told", async () => {
      const place = await open();
      const stores = [oneTable, anotherTable].map((installation) =>
        openStore(place, { keyPrefix, installation }),
      );
      await Promise.all(stores.map((store) => store.filling()));
      const told = async () => stores.filter((store) => store.impairment() !== null).length;
      expect(await eventually(told, 1)).toBe(1);
      for (const store of stores) store.close();
    });

    test("are told that the same table is kept under another prefix, as long as it is", async () => {
      const place = await open();
      const other = `${keyPrefix}other:`;
      await using first = openStore(place, { keyPrefix: other, installation: oneTable });
      await first.filling();
      expect(await eventually(async () => isMarked(place.servers, `${other}installation`), true)).toBe(true);
      await using second = openStore(place, { keyPrefix, installation: oneTable });
      const conflict = `the same table is kept under ${other} as well, so a set through ${keyPrefix} leaves that copy stale`;
      expect(await reasonOf(second, conflict)).toBe(conflict);
      first.close();
      await forgetMark(place.servers, `${other}installation`);
      expect(await reasonOf(second, undefined)).toBeUndefined();
    });
  });
}

type Servers = Parameters<typeof withRedis>[0][];

async function forgetMark(servers: readonly Servers[number][], key: string): Promise<void> {
  for (const server of servers) await withRedis(server, (redis) => redis.del(key).catch(() => 0));
}

async function isMarked(servers: readonly Servers[number][], key: string): Promise<boolean> {
  const found = await Promise.all(
    servers.map((server) => withRedis(server, (redis) => redis.exists(key).catch(() => 0))),
  );
  return found.includes(1);
}
