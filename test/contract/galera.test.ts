import { expect, test } from "bun:test";
import { SQL } from "bun";
import { staysOpen } from "../../scripts/servers/waiting.ts";
import { describeUnless, describeWithPrivate } from "../support/describe-with.ts";
import { galeraProblem, startGaleraCluster } from "../support/galera-cluster.ts";
import { names, openTestDatabase } from "../support/test-database.ts";

describeWithPrivate("mariadb", "MariaDB", () => {
  describeUnless(galeraProblem(), "in a Galera cluster", () => {
    test("answers a read on a node that lags behind only once it has applied what another node committed", async () => {
      await using cluster = await startGaleraCluster();
      const [one, two] = cluster.nodes;
      await using writer = openTestDatabase({ kind: "mysql", url: one.url() });
      await using reader = openTestDatabase({ kind: "mysql", url: two.url() });
      await writer.run("CREATE TABLE users (email varchar(191) PRIMARY KEY, data text)");
      await writer.run("INSERT INTO users VALUES ('ann', 'old')");
      const [write, read] = [writer, reader].map((site) => site.directory(names, { statementMs: 5000 }));
      await write?.verifyConnection();
      await read?.verifyConnection();
      const user = await write?.find("ann");
      await using blocker = new SQL(two.url(), { max: 1 });
      await blocker.unsafe("FLUSH TABLES WITH READ LOCK");
      const deadlineMs = (user?.databaseTimeMs ?? 0) + 60_000;
      const change = { loginId: "ann", expected: "old", replacement: "new", deadlineMs };
      expect(await write?.replaceOwnIdData(change)).not.toBe("unchanged");
      const [plain] = await reader.run("SELECT data FROM users");
      const found = read?.find("ann") ?? Promise.reject(new Error("no reader"));
      const waited = await staysOpen(found, 500);
      await blocker.unsafe("UNLOCK TABLES");
      expect({ plain: plain?.data, waited, found: (await found).ownIdData }).toEqual({
        plain: "old",
        waited: true,
        found: "new",
      });
    }, 90_000);
  });
});
