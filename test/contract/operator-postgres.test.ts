import { expect, setDefaultTimeout, test } from "bun:test";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import { describeWith } from "../support/describe-with.ts";
import { openTestDatabase } from "../support/test-database.ts";
import { accounts, problemsOf, runLines, withAccount } from "./table-check-contract.ts";

setDefaultTimeout(30_000);

describeWith("postgres", "Postgres with citext in a schema that the role does not search", () => {
  test.each([
    ["may enter", "public"],
    ["may not enter", "''"],
    ["names, but may not enter", `public, "site extensions"`],
  ])("is refused, and repaired, where the role %s it", async (title, path) => {
    const name = `operator_${title.replaceAll(/\W+/g, "_")}`;
    const siteUrl = await (await sharedPostgres()).createDatabase(name);
    const role = `reader_${name}`;
    await using database = openTestDatabase({
      kind: "postgres",
      url: withAccount(siteUrl, role, "secret"),
      siteUrl,
    });
    await database.run('CREATE SCHEMA "site extensions"');
    await database.run('CREATE EXTENSION citext SCHEMA "site extensions"');
    await database.run(
      'CREATE TABLE accounts (email "site extensions".citext UNIQUE NOT NULL, "ownIdData" text)',
    );
    await database.run("INSERT INTO accounts VALUES ('Sol@Testmail.com', 'data')");
    await database.run(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
    await database.run(`GRANT SELECT (email, "ownIdData"), UPDATE ("ownIdData") ON accounts TO ${role}`);
    if (title === "may enter") await database.run(`GRANT USAGE ON SCHEMA "site extensions" TO ${role}`);
    await database.run(`ALTER ROLE ${role} IN DATABASE ${name} SET search_path = ${path}`);
    const names = { ...accounts, table: "public.accounts" };
    const directory = database.directory(names);
    const found = await problemsOf(directory);
    expect(found.length).toBe(1);
    expect(found[0]).toStartWith(
      'USERS_LOGIN_ID_COLUMN: column "email" is "site extensions".citext, but the role does not search the schema "site extensions"',
    );
    expect(found[0]?.includes("SET search_path")).toBe(!path.includes("site extensions"));
    await runLines(database, found);
    expect(await problemsOf(directory)).toEqual([]);
    expect((await directory.find("sol@testmail.com")).loginId).toBe("Sol@Testmail.com");
  });
});
