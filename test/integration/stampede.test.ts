import { afterAll, beforeAll, expect, test } from "bun:test";
import type { UserDirectory } from "../../src/coherence/user-directory.ts";
import { createWriteThrough } from "../../src/coherence/write-through.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { type OpenedStore, openStore, sharedPlaces } from "../support/redis-places.ts";
import { createSqliteFile, names, type TestDatabase } from "../support/test-database.ts";

const callers = 1000;
/** All come while the first read is under way: it takes far longer than they do. */
const whileReading = { spreadMs: 30, readMs: 500 };

for (const { name, open } of sharedPlaces.slice(0, 2)) {
  describeWithPrivate("redis", `1,000 lookups of one user over ${name}`, () => {
    let database: TestDatabase;
    let directory: UserDirectory;
    let filling: OpenedStore;
    let graceful: OpenedStore;

    beforeAll(async () => {
      database = createSqliteFile();
      await database.run("CREATE TABLE users (email TEXT NOT NULL UNIQUE, data TEXT)");
      await database.run("INSERT INTO users VALUES ('ann', 'devices'), ('bob', NULL)");
      directory = database.directory(names);
      await directory.verifyConnection();
      const place = await open();
      filling = openStore(place);
      graceful = openStore(place, { graceMs: 60_000 });
      await Promise.all([filling.filling(), graceful.firstContact]);
    });
    afterAll(async () => {
      filling.close();
      graceful.close();
      await database[Symbol.asyncDispose]();
    });

    /** Asks from all sides, over `spreadMs`, while each database read takes `readMs`; answers what came and what it cost. */
    async function stampede({ hotCopy }: OpenedStore, loginId: string, { spreadMs = 0, readMs = 0 } = {}) {
      let reads = 0;
      const counted: UserDirectory = {
        ...directory,
        async find(asked) {
          reads += 1;
          const user = await directory.find(asked);
          await Bun.sleep(readMs);
          return user;
        },
      };
      const store = createWriteThrough({
        directory: counted,
        hotCopy,
        statementMs: 2000,
        auditShare: 0,
        onEvent: () => {},
      });
      await hotCopy.purge(loginId);
      const gets = Array.from({ length: callers }, async (_, number) => {
        if (spreadMs > 0) await Bun.sleep((spreadMs * number) / callers);
        return store.get(loginId);
      });
      return { answers: [...new Set(await Promise.all(gets))], reads };
    }

    test("cost one database read where the fill lands", async () => {
      expect(await stampede(filling, "ann")).toEqual({ answers: ["devices"], reads: 1 });
    });

    test("cost one where they come while the read is under way", async () => {
      expect(await stampede(filling, "ann", whileReading)).toEqual({ answers: ["devices"], reads: 1 });
    });

    test("cost two at most where nothing is filled, in the grace or for a user without data", async () => {
      for (const [store, loginId, answer] of [
        [graceful, "ann", "devices"],
        [filling, "bob", null],
      ] as const) {
        const { answers, reads } = await stampede(store, loginId, whileReading);
        expect(answers).toEqual([answer]);
        expect(reads).toBe(2);
      }
    });
  });
}
