import { expect, setDefaultTimeout, test } from "bun:test";
import { sharedMariadb } from "../../scripts/servers/mariadb-server.ts";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import { sharedRedis } from "../../scripts/servers/redis-server.ts";
import { fillUsers } from "../../scripts/sync/fill.ts";
import type { OwnIdDataStore } from "../../src/coherence/ownid-data-store.ts";
import { describeWith } from "../support/describe-with.ts";
import { placeOf } from "../support/redis-places.ts";
import { createSyncedSite, enrolled, loginIdOf, type SyncedSite } from "../support/synced-site.ts";

setDefaultTimeout(60_000);

const users = 1500;
const writers = 40;
const commands = [
  ["warm", "--batch", "50"],
  ["verify", "--batch", "50"],
  ["--batch", "50"],
  ["warm"],
  ["verify"],
];

/** One user's only writer: what it has set must be what every sidecar answers, however often it is asked. */
async function writeAndRead(
  sidecars: readonly OwnIdDataStore[],
  loginId: string,
  stop: AbortSignal,
): Promise<{ sets: number; stale: number }> {
  const count = { sets: 0, stale: 0 };
  while (!stop.aborted) {
    const value = `${loginId} ${++count.sets}`;
    await sidecars[count.sets % sidecars.length]?.set(loginId, value);
    for (let times = 0; times < 3; times += 1) {
      for (const sidecar of sidecars) if ((await sidecar.get(loginId)) !== value) count.stale += 1;
      // So that the next reader, or the warm, has something to fill.
      await sidecars[times % sidecars.length]?.invalidate(loginId);
    }
  }
  return count;
}

async function holdUnderLoad(site: SyncedSite): Promise<void> {
  const sidecars = await Promise.all([site.sidecar(), site.sidecar()]);
  const stop = new AbortController();
  const load = Promise.all(
    Array.from({ length: writers }, (_, number) =>
      writeAndRead(sidecars, loginIdOf(number * 37 + 1), stop.signal),
    ),
  );
  const ends: unknown[] = [];
  for (const command of commands) {
    const { exit, summary, stderr } = await site.sync([...command, "--json"]);
    ends.push({
      command,
      exit,
      drift: Number(summary.differsFromRow ?? 0) + Number(summary.unknownUser ?? 0),
      stderr,
    });
  }
  stop.abort();
  const counts = await load;
  expect(ends).toEqual(
    commands.map((command) => ({ command, exit: 0, drift: 0, stderr: expect.any(String) })),
  );
  expect(counts.reduce((sum, { stale }) => sum + stale, 0)).toBe(0);
  expect(Math.min(...counts.map(({ sets }) => sets))).toBeGreaterThan(10);
  expect((await site.sync(["warm"])).exit).toBe(0);
  expect(await site.hashes()).toEqual(enrolled(await site.rows()));
}

describeWith("redis", "a row that changes while its hash is filled", () => {
  test.each(["before", "after"])("leaves no older value, when it changes %s it is read", async (moment) => {
    const place = placeOf(await sharedRedis());
    await using site = await createSyncedSite({ kind: "sqlite", place, users: 10, isGraceOver: true });
    await using sides = site.openSides();
    const sidecar = await site.sidecar();
    const loginId = loginIdOf(1);
    async function change(): Promise<void> {
      await sidecar.set(loginId, "newer");
      // The hash is without a value again: only its token tells that it is not the one of the READ.
      await sidecar.invalidate(loginId);
    }
    async function read(loginIds: readonly string[]) {
      if (moment === "before") await change();
      const rows = await sides.scan.read(loginIds);
      if (moment === "after") await change();
      return rows;
    }
    await fillUsers({ ...sides, scan: { ...sides.scan, read } }, [loginId, loginIdOf(2)]);
    const hashes = await site.hashes();
    expect([hashes.get(loginId), hashes.get(loginIdOf(2))]).toEqual([undefined, "data of 2 😀"]);
    expect(await sidecar.get(loginId)).toBe("newer");
  });
});

const servers = {
  postgres: { name: "Postgres", kind: "postgres", start: sharedPostgres },
  mariadb: { name: "MariaDB", kind: "mysql", start: sharedMariadb },
} as const;

for (const server of ["postgres", "mariadb"] as const) {
  const { name, kind, start } = servers[server];
  describeWith(server, name, () => {
    describeWith("redis", "Redis", () => {
      test(`no sidecar answers a stale value while warm, verify and sync run over ${name}`, async () => {
        const databaseUrl = await (await start()).createDatabase("load");
        const place = placeOf(await sharedRedis());
        await using site = await createSyncedSite({ kind, databaseUrl, place, users, isGraceOver: true });
        await holdUnderLoad(site);
      }, 60_000);
    });
  });
}
