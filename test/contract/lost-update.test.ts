import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { type ErrorProxy, type Fate, startErrorProxy } from "../../scripts/servers/error-proxy.ts";
import { sharedMariadb } from "../../scripts/servers/mariadb-server.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import type { UserDirectory } from "../../src/coherence/user-directory.ts";
import { describeWith } from "../support/describe-with.ts";
import { outcomeOf } from "../support/outcome.ts";
import { names, openTestDatabase, type TestDatabase } from "../support/test-database.ts";

setDefaultTimeout(30_000);

describeWith("mariadb", "a MariaDB behind a proxy that loses it during an UPDATE", () => {
  let proxy: ErrorProxy;
  let database: TestDatabase;
  let directory: UserDirectory;

  beforeAll(async () => {
    const siteUrl = await (await sharedMariadb()).createDatabase("lost_update");
    proxy = await startErrorProxy(Number(new URL(siteUrl).port), (packet) =>
      packet.includes("the new value"),
    );
    const url = Object.assign(new URL(siteUrl), { port: String(proxy.port) }).href;
    database = openTestDatabase({ kind: "mysql", url, siteUrl });
    await database.run("CREATE TABLE users (email varchar(191) PRIMARY KEY, data text)");
    directory = database.directory(names);
    await directory.verifyConnection();
  });
  beforeEach(async () => {
    await database.run("REPLACE INTO users VALUES ('ann', 'old')");
  });
  afterAll(async () => {
    await database[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  test.each([
    [2013, "done", "the new value"],
    [2013, "dropped", "old"],
    [2006, "done", "the new value"],
    [2003, "dropped", "old"],
    [9001, "done", "the new value"],
    [1105, "dropped", "old"],
  ] as const)("does not say what became of it: error %p, and it was %s", async (number, fate: Fate, row) => {
    const { databaseTimeMs } = await directory.find("ann");
    const deadlineMs = databaseTimeMs + 60_000;
    const change = { loginId: "ann", expected: "old", replacement: "the new value", deadlineMs };
    const lostBefore = proxy.lost();
    proxy.loseNextUpdate(number, fate);
    expect(await outcomeOf(directory.replaceOwnIdData(change))).toBe("ERR_OUTCOME_UNKNOWN");
    expect(proxy.lost()).toBe(lostBefore + 1);
    const stored = async () => (await database.run("SELECT data FROM users WHERE email = 'ann'"))[0]?.data;
    expect(await eventually<unknown>(stored, row)).toBe(row);
    expect((await directory.find("ann")).ownIdData).toBe(row);
  });
});
