import { expect, setDefaultTimeout, test } from "bun:test";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import { createSqlUserScan } from "../../scripts/sync/sql-user-scan.ts";
import { startCachingProxy } from "../support/caching-proxy.ts";
import { withoutTls } from "../support/database-tls.ts";
import { describeWith } from "../support/describe-with.ts";
import { names, openTestDatabase } from "../support/test-database.ts";

setDefaultTimeout(30_000);

describeWith("postgres", "a proxy that repeats what a SELECT returned", () => {
  test("gives no lookup and no scan a row from before", async () => {
    const siteUrl = await (await sharedPostgres()).createDatabase("cached_answers");
    const direct = new URL(siteUrl);
    await using proxy = await startCachingProxy(Number(direct.port));
    const url = siteUrl.replace(direct.host, `127.0.0.1:${proxy.port}`);
    await using database = openTestDatabase({ kind: "postgres", url, siteUrl });
    await database.run("CREATE TABLE users (email varchar(191) PRIMARY KEY, data text)");
    await database.run("INSERT INTO users VALUES ('ann', 'old')");
    const directory = database.directory(names, { poolMax: 1 });
    const options = { kind: "postgres", url, poolMax: 1, prepare: true, tls: withoutTls } as const;
    const scan = createSqlUserScan({ ...options, names, statementMs: 2000 });
    const all = async () => [
      (await directory.find("ann")).ownIdData,
      (await scan.read(["ann"])).get("ann"),
      (await scan.list(null, 10)).length,
    ];
    await directory.verifyConnection();
    for (let times = 1; times <= 3; times += 1) expect(await all()).toEqual(["old", "old", 1]);
    await database.run("UPDATE users SET data = 'new'");
    await database.run("INSERT INTO users VALUES ('bob', NULL)");
    expect(await all()).toEqual(["new", "new", 2]);
    await scan.close();
  });

  test("is one that the test would notice", async () => {
    const siteUrl = await (await sharedPostgres()).createDatabase("repeated_answers");
    const direct = new URL(siteUrl);
    await using proxy = await startCachingProxy(Number(direct.port));
    const url = siteUrl.replace(direct.host, `127.0.0.1:${proxy.port}`);
    await using database = openTestDatabase({ kind: "postgres", url: siteUrl, siteUrl: url });
    const rows = [];
    for (let times = 1; times <= 3; times += 1)
      rows.push(...(await database.run("SELECT clock_timestamp()::text || $1 AS now", ["!"])));
    expect(new Set(rows.map(({ now }) => now)).size).toBeLessThan(3);
    expect(proxy.repeated()).toBeGreaterThan(0);
  });
});
