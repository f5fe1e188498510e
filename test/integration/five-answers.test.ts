import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type MariadbServer, startMariadb } from "../../scripts/servers/mariadb-server.ts";
import { type PostgresServer, startPostgres } from "../../scripts/servers/postgres-server.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { readinessOf } from "../support/readiness.ts";
import { type SidecarProcess, spawnSidecar } from "../support/sidecar-process.ts";
import { openTestDatabase, type TestDatabase } from "../support/test-database.ts";

setDefaultTimeout(30_000);

const data = '{"devices":[{"name":"Sol\'s 📱 \\\\ \u2028"}]}';

const servers = [
  {
    kind: "postgres",
    needs: "postgres",
    start: startPostgres,
    schema: 'CREATE SCHEMA "Site"',
    table: 'CREATE TABLE "Site".members ("E-Mail" varchar(200) UNIQUE, "Passkey Data" text, locked boolean)',
    insert: `INSERT INTO "Site".members VALUES ('sol@testmail.com', NULL, false), ('eve@testmail.com', NULL, true)`,
  },
  {
    kind: "mysql",
    needs: "mariadb",
    start: startMariadb,
    schema: "CREATE DATABASE `Site`",
    table:
      "CREATE TABLE `Site`.members (`E-Mail` varchar(200) UNIQUE, `Passkey Data` text CHARACTER SET utf8mb4, locked int)",
    insert: "INSERT INTO `Site`.members VALUES ('sol@testmail.com', NULL, 0), ('eve@testmail.com', NULL, 1)",
  },
] as const;

const columns = {
  USERS_TABLE: "Site.members",
  USERS_LOGIN_ID_COLUMN: "E-Mail",
  USERS_OWNID_DATA_COLUMN: "Passkey Data",
  USERS_BLOCKED_COLUMN: "locked",
};

for (const { kind, needs, start, ...sql } of servers) {
  describeWithPrivate(needs, `the sidecar over a table of ${needs} that was there before`, () => {
    let server: PostgresServer | MariadbServer;
    let site: TestDatabase;
    beforeAll(async () => {
      server = await start();
      site = openTestDatabase({ kind, url: server.url() });
      for (const statement of [sql.schema, sql.table, sql.insert]) await site.run(statement);
    });
    afterAll(async () => {
      await site[Symbol.asyncDispose]();
      await server.remove();
    });

    const spawn = () => spawnSidecar({ ...columns, DATABASE_URL: server.url(), DRAIN_SECONDS: "0" });

    test("gives the five answers of the README", async () => {
      await using sidecar = spawn();
      const client = await clientOf(sidecar);
      expect(await answerOf(client.get("nobody@testmail.com"))).toEqual([404, ""]);
      expect(await answerOf(client.get("sol@testmail.com"))).toEqual([204, ""]);
      expect(await answerOf(client.set("sol@testmail.com", data))).toEqual([204, ""]);
      expect(await answerOf(client.get("sol@testmail.com"))).toEqual([
        200,
        JSON.stringify({ ownIdData: data }),
      ]);
      expect(await answerOf(client.session("sol@testmail.com"))).toEqual([
        200,
        expect.stringMatching(aToken),
      ]);
      const rows = await site.run(`SELECT * FROM ${site.quoteTable("Site.members")} ORDER BY 1`);
      expect(rows.map((row) => [row["E-Mail"], row["Passkey Data"]])).toEqual([
        ["eve@testmail.com", null],
        ["sol@testmail.com", data],
      ]);
    });

    test("gives a blocked user no session", async () => {
      await using sidecar = spawn();
      const client = await clientOf(sidecar);
      expect((await client.session("eve@testmail.com")).status).toBe(423);
    });

    test("starts without its database, says so, and recovers by itself", async () => {
      await server.stop();
      await using sidecar = spawn();
      const { baseUrl, opsUrl } = await sidecar.ready();
      const client = sidecar.clientAt(baseUrl);
      const readyz = await fetch(`${opsUrl}/readyz`);
      expect([readyz.status, await readyz.json()]).toEqual([
        503,
        {
          status: "starting",
          dependencies: {
            database: {
              status: "unavailable",
              reason: "nothing answers at the database's address",
              fix: "start the database, or correct host and port in DATABASE_URL",
            },
            redis: { status: "not configured" },
          },
          filling: false,
        },
      ]);
      for (const call of [client.get, client.session, (loginId: string) => client.set(loginId, data)]) {
        const { status, headers, body } = await call("sol@testmail.com");
        expect([status, headers.get("retry-after"), JSON.parse(body).code]).toEqual([
          503,
          "1",
          "ERR_DATABASE_UNAVAILABLE",
        ]);
      }
      await server.start();
      expect(await eventually(async () => (await readinessOf(opsUrl)).httpStatus, 200)).toBe(200);
      expect(await answerOf(client.set("sol@testmail.com", "again"))).toEqual([204, ""]);
      sidecar.signal("SIGTERM");
      expect(await sidecar.ended()).toBe(0);
      // The folder's name begins with the password by accident.
      const output = `${sidecar.output.stdout}${sidecar.output.stderr}`.replaceAll(sidecar.folder.path, "");
      expect(output).not.toContain(new URL(server.url()).password);
    });

    test("ends a start over a table that does not fit, naming the variables and the fix", async () => {
      await using sidecar = spawnSidecar({ DATABASE_URL: server.url(), USERS_TABLE: "Site.member" });
      expect(await sidecar.ended()).toBe(78);
      expect(sidecar.output.stderr).toContain("  - USERS_TABLE: ");
    });
  });
}

/** JSON with a JWT in it. */
const aToken = /^\{"token":"[\w-]+\.[\w-]+\.[\w-]+"\}$/;

async function clientOf(sidecar: SidecarProcess) {
  const { baseUrl } = await sidecar.ready();
  return sidecar.clientAt(baseUrl);
}

async function answerOf(call: Promise<{ status: number; body: string }>) {
  const { status, body } = await call;
  return [status, body];
}
