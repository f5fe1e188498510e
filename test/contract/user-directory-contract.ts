import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { Replacement, UserDirectory } from "../../src/coherence/user-directory.ts";
import { outcomeOf } from "../support/outcome.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { blockedTypes, createTable, storedHex, type Types, typesOf, type User } from "./contract-table.ts";

export interface ContractDatabase {
  /** An empty database with a schema named `site schema`; `main` in SQLite. */
  open(): Promise<TestDatabase>;
}

const values: Record<string, string> = {
  JSON: '{"devices":[{"id":"a\\"b","name":null}]}',
  "one character": "x",
  "leading and trailing blanks": "  both ends \t\r\n ",
  "blanks alone": "   ",
  emoji: "👩‍👩‍👧‍👦😀🏳️‍🌈",
  "U+2028 and U+2029": "a\u2028b\u2029c",
  "U+FEFF at both ends": "\uFEFFmark\uFEFF",
  "quotes of every kind": `'"\`''""\`\` $$ $tag$ --; /* */`,
  backslashes: "\\ \\\\ \\n \\0 \\' \\u0041 \\x00",
  "percent signs and placeholders": "100 % _ %s %27 $1 ?1 ? :name @name",
  "control characters": "\u0001\u0008\u001a\u001f\u007f\u0085",
  "both normal forms": "\u00e9 e\u0301 \u212b \u00c5",
  noncharacters: "\ufffd\ufffe\uffff\u{10ffff}",
  "a text that looks like a number": "00012345678901234567890.10e5",
  "a text that looks like NULL": "NULL",
  "60 KB of one-byte characters": "z".repeat(60 * 1024),
  "60 KB of four-byte characters": "😀".repeat(15 * 1024),
};

const loginIds = [
  "o'neil@example.com",
  'a"b`c@example.com',
  "back\\slash\\'@example.com",
  "100%_of@example.com",
  "sol+tag@example.com",
  "ünïcødé@exämple.com",
  "пользователь@пример.рф",
  "😀@example.com",
  "+49 151 2345678",
  "00123",
  "null",
  "x".repeat(320),
];

/** What `user-directory.ts` promises, held against one database. */
export function describeUserDirectory({ open }: ContractDatabase): void {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open();
  });
  afterEach(() => database.closeDirectories());
  afterAll(() => database[Symbol.asyncDispose]());

  /** A table of its own with these users, seen by a directory that has checked it. */
  async function withUsers(users: readonly User[], changes: Partial<Types> = {}, table?: string) {
    const names = await createTable(database, users, changes, table);
    const directory = database.directory(names);
    await directory.verifyConnection();
    return { directory, names, stored: () => storedHex(database, names) };
  }

  describe("find", () => {
    test("answers the user's own row", async () => {
      const { directory } = await withUsers([
        { loginId: "ann", ownIdData: "a" },
        { loginId: "sol@example.com", ownIdData: "data" },
      ]);
      expect(await directory.find("sol@example.com")).toEqual({
        loginId: "sol@example.com",
        ownIdData: "data",
        blocked: false,
        databaseTimeMs: expect.any(Number),
      });
    });

    test("throws UserUnknown for a login id that nobody has", async () => {
      const { directory } = await withUsers([{ loginId: "ann" }]);
      for (const loginId of ["bob", "ann ", " ann", "an", "", "a_n", "%"]) {
        expect(await outcomeOf(directory.find(loginId))).toBe("ERR_USER_UNKNOWN");
      }
    });

    test("tells NULL from an empty text", async () => {
      const { directory } = await withUsers([{ loginId: "none" }, { loginId: "empty", ownIdData: "" }]);
      expect((await directory.find("none")).ownIdData).toBeNull();
      expect((await directory.find("empty")).ownIdData).toBe("");
    });

    test.each(loginIds)("takes the login id %p as it is", async (loginId) => {
      const { directory } = await withUsers([{ loginId: "other" }, { loginId }]);
      const user = await directory.find(loginId);
      expect(user.loginId).toBe(loginId);
      expect(await directory.replaceOwnIdData(changeOf(user, { replacement: "data" }))).not.toBe("unchanged");
      expect((await directory.find(loginId)).ownIdData).toBe("data");
      expect((await directory.find("other")).ownIdData).toBeNull();
    });

    test("answers the stored spelling where the column ignores case", async () => {
      const { caseless } = typesOf[database.kind];
      const { directory } = await withUsers([{ loginId: "Sol@Example.COM" }], { loginId: caseless });
      for (const loginId of ["Sol@Example.COM", "sol@example.com", "SOL@EXAMPLE.COM"]) {
        expect((await directory.find(loginId)).loginId).toBe("Sol@Example.COM");
      }
    });

    test("takes the blanks that a padded column adds for none", async () => {
      const { directory, stored } = await withUsers([{ loginId: "ann" }], { loginId: "char(100)" });
      const user = await directory.find("ann");
      expect(user.loginId).toBe("ann");
      expect(await directory.replaceOwnIdData(changeOf(user, { replacement: "data" }))).not.toBe("unchanged");
      expect(await directory.replaceOwnIdData(changeOf(user, { loginId: "ann  " }))).toBe("unchanged");
      expect((await stored()).map(([, bytes]) => bytes)).toEqual([hexOf("data")]);
    });

    test("never answers another user because a collation calls two login ids equal", async () => {
      const { caseless } = typesOf[database.kind];
      const users = [{ loginId: "ann@example.com" }, { loginId: "😀@example.com" }, { loginId: "kate" }];
      const { directory } = await withUsers(users, { loginId: caseless });
      for (const loginId of ["ann@exämple.com", "ann@example.com  ", "😈@example.com", "\u212Aate", "kaţe"]) {
        expect(await outcomeOf(directory.find(loginId))).toBe("ERR_USER_UNKNOWN");
      }
    });

    test("reads blocked from a boolean or a number, NULL being not blocked", async () => {
      for (const [blocked, no, yes] of blockedTypes[database.kind]) {
        const users = usersByBlocked(no, yes);
        const { directory } = await withUsers(users, { blocked });
        const found = await Promise.all(users.map(({ loginId }) => directory.find(loginId)));
        expect([blocked, ...found.map((user) => user.blocked)]).toEqual([blocked, false, true, false]);
      }
    });

    test("tells the database's clock in milliseconds since the Unix epoch", async () => {
      const { directory } = await withUsers([{ loginId: "ann" }]);
      await directory.find("ann");
      const [beforeMs, user, afterMs] = [Date.now(), await directory.find("ann"), Date.now()];
      expect(user.databaseTimeMs).toBeGreaterThanOrEqual(beforeMs - 2);
      expect(user.databaseTimeMs).toBeLessThanOrEqual(afterMs + 2);
    });
  });

  describe("replaceOwnIdData", () => {
    test.each(Object.keys(values))("keeps %s byte for byte", async (name) => {
      const value = values[name] ?? "";
      const { directory, stored } = await withUsers([{ loginId: "ann" }]);
      expect(directory.fits(value)).toBe(true);
      const user = await directory.find("ann");
      expect(await directory.replaceOwnIdData(changeOf(user, { replacement: value }))).not.toBe("unchanged");
      const changed = await directory.find("ann");
      expect(changed.ownIdData).toBe(value);
      expect(await stored()).toEqual([["ann", Buffer.from(value).toString("hex")]]);
      expect(await directory.replaceOwnIdData(changeOf(changed, { replacement: "next" }))).not.toBe(
        "unchanged",
      );
      expect((await directory.find("ann")).ownIdData).toBe("next");
    });

    test("changes nothing unless the expected value is there", async () => {
      const { directory, stored } = await withUsers([{ loginId: "ann", ownIdData: "old" }]);
      const user = await directory.find("ann");
      for (const expected of ["new", "", null, "ol", "old\0".slice(0, 2)]) {
        expect(await directory.replaceOwnIdData(changeOf(user, { expected }))).toBe("unchanged");
      }
      expect(await stored()).toEqual([["ann", hexOf("old")]]);
    });

    test("does not take NULL for an empty text, nor an empty text for NULL", async () => {
      const { directory, stored } = await withUsers([{ loginId: "none" }, { loginId: "one", ownIdData: "" }]);
      const [none, empty] = [await directory.find("none"), await directory.find("one")];
      expect(await directory.replaceOwnIdData(changeOf(none, { expected: "" }))).toBe("unchanged");
      expect(await directory.replaceOwnIdData(changeOf(empty, { expected: null }))).toBe("unchanged");
      expect(await stored()).toEqual([
        ["none", null],
        ["one", ""],
      ]);
      expect(await directory.replaceOwnIdData(changeOf(none, {}))).not.toBe("unchanged");
      expect(await directory.replaceOwnIdData(changeOf(empty, {}))).not.toBe("unchanged");
    });

    test("compares the expected value as bytes, whatever the collation", async () => {
      const caselessData = {
        sqlite: "TEXT COLLATE NOCASE",
        postgres: "citext",
        mysql: "text CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
      };
      const { directory, stored } = await withUsers([{ loginId: "ann", ownIdData: "Résumé 😀" }], {
        ownIdData: caselessData[database.kind],
      });
      const user = await directory.find("ann");
      for (const expected of [
        "résumé 😀",
        "RÉSUMÉ 😀",
        "Resume 😀",
        "Résumé 😀 ",
        "Re\u0301sume\u0301 😀",
        "Résumé 😈",
      ]) {
        expect(await directory.replaceOwnIdData(changeOf(user, { expected }))).toBe("unchanged");
      }
      expect(await stored()).toEqual([["ann", hexOf("Résumé 😀")]]);
      expect(await directory.replaceOwnIdData(changeOf(user, { replacement: "résumé 😀" }))).not.toBe(
        "unchanged",
      );
      expect(await stored()).toEqual([["ann", hexOf("résumé 😀")]]);
    });

    test("counts the same value set again as done", async () => {
      const { directory } = await withUsers([{ loginId: "ann", ownIdData: "same" }]);
      const change = changeOf(await directory.find("ann"), { replacement: "same" });
      expect(await directory.replaceOwnIdData(change)).not.toBe("unchanged");
      expect(await directory.replaceOwnIdData(change)).not.toBe("unchanged");
    });

    test("changes the one row alone", async () => {
      const { caseless } = typesOf[database.kind];
      const users = ["ann@example.com", "bob@example.com", "ann", "ann@example.com.au"];
      const { directory, stored } = await withUsers(
        users.map((loginId) => ({ loginId, ownIdData: "old" })),
        { loginId: caseless },
      );
      const user = await directory.find("ANN@example.com");
      expect(await directory.replaceOwnIdData(changeOf(user, { replacement: "new" }))).not.toBe("unchanged");
      expect(await stored()).toEqual(
        users.map((loginId) => [loginId, hexOf(loginId === "ann@example.com" ? "new" : "old")]).sort(),
      );
    });

    test("changes nothing under another spelling than the stored one", async () => {
      const { caseless } = typesOf[database.kind];
      const { directory, stored } = await withUsers([{ loginId: "Ann", ownIdData: "old" }], {
        loginId: caseless,
      });
      const user = await directory.find("ann");
      for (const loginId of ["ann", "ANN", "Ann ", "Änn"]) {
        expect(await directory.replaceOwnIdData(changeOf(user, { loginId }))).toBe("unchanged");
      }
      expect(await stored()).toEqual([["Ann", hexOf("old")]]);
    });

    test("takes a login id that the column keeps in another character set", async () => {
      const { loginId: wide } = typesOf[database.kind];
      const narrow = database.kind === "mysql" ? "varchar(320) CHARACTER SET latin1" : wide;
      const { directory, stored } = await withUsers([{ loginId: "zoë@exämple.com" }], { loginId: narrow });
      const user = await directory.find("zoë@exämple.com");
      expect(await directory.replaceOwnIdData(changeOf(user, { replacement: "data" }))).not.toBe("unchanged");
      expect((await stored()).map(([, bytes]) => bytes)).toEqual([hexOf("data")]);
    });

    test("changes nothing for a user who is blocked", async () => {
      for (const [blocked, no, yes] of blockedTypes[database.kind]) {
        const users = usersByBlocked(no, yes);
        const { directory } = await withUsers(users, { blocked });
        const changed = [];
        for (const { loginId } of users)
          changed.push(
            (await directory.replaceOwnIdData(changeOf(await directory.find(loginId), {}))) !== "unchanged",
          );
        expect([blocked, ...changed]).toEqual([blocked, true, false, true]);
      }
    });

    test("takes the data of a blocked user away where the change says so, and nothing else does", async () => {
      for (const [blocked, no, yes] of blockedTypes[database.kind]) {
        const users = usersByBlocked(no, yes).map((user) => ({ ...user, ownIdData: "data" }));
        const { directory, stored } = await withUsers(users, { blocked });
        for (const { loginId } of users) {
          const erasure = { replacement: null, evenIfBlocked: true };
          const change = changeOf(await directory.find(loginId), erasure);
          expect(await directory.replaceOwnIdData({ ...change, expected: "other" })).toBe("unchanged");
          expect([blocked, await directory.replaceOwnIdData(change)]).not.toEqual([blocked, "unchanged"]);
        }
        expect((await stored()).map(([, bytes]) => bytes)).toEqual([null, null, null]);
      }
    });

    test("stores the empty text for no data where the column takes no NULL", async () => {
      const { ownIdData } = typesOf[database.kind];
      const users = [{ loginId: "ann", ownIdData: "data" }];
      const { directory, stored } = await withUsers(users, { ownIdData: `${ownIdData} NOT NULL` });
      expect([(await withUsers(users)).directory.noData(), directory.noData()]).toEqual([null, ""]);
      const change = changeOf(await directory.find("ann"), { replacement: directory.noData() });
      expect(await directory.replaceOwnIdData(change)).not.toBe("unchanged");
      expect(await stored()).toEqual([["ann", ""]]);
    });

    test("changes nothing for a user who is gone", async () => {
      const { directory, names } = await withUsers([{ loginId: "ann" }]);
      const user = await directory.find("ann");
      await database.run(`DELETE FROM ${database.quoteTable(names.table)}`);
      expect(await directory.replaceOwnIdData(changeOf(user, {}))).toBe("unchanged");
    });

    test("changes nothing from the deadline on, by the database's clock", async () => {
      const { directory, stored } = await withUsers([{ loginId: "ann", ownIdData: "old" }]);
      const user = await directory.find("ann");
      for (const deadlineMs of [
        0,
        user.databaseTimeMs,
        user.databaseTimeMs - 0.25,
        Math.floor(Date.now()) - 5,
      ]) {
        expect(await directory.replaceOwnIdData(changeOf(user, { deadlineMs }))).toBe("unchanged");
      }
      expect(await stored()).toEqual([["ann", hexOf("old")]]);
      const deadlineMs = Math.ceil(user.databaseTimeMs) + 60_000;
      expect(await directory.replaceOwnIdData(changeOf(user, { deadlineMs }))).not.toBe("unchanged");
    });

    test("lets one of many writers win who expect the same value", async () => {
      const { directory, stored } = await withUsers([{ loginId: "ann", ownIdData: "old" }]);
      const user = await directory.find("ann");
      const replacements = Array.from({ length: 20 }, (_, number) => `new ${number}`);
      const won = await Promise.all(
        replacements.map((replacement) => directory.replaceOwnIdData(changeOf(user, { replacement }))),
      );
      expect(won.filter((replaced) => replaced !== "unchanged").length).toBe(1);
      expect(await stored()).toEqual([
        ["ann", hexOf(replacements[won.findIndex((replaced) => replaced !== "unchanged")] ?? "")],
      ]);
    });
  });

  describe("fits", () => {
    test("refuses what the column cannot hold, counting characters as the database does", async () => {
      const { limited } = typesOf[database.kind];
      const { directory } = await withUsers([{ loginId: "ann" }], { ownIdData: limited });
      for (const character of ["a", "é", "😀"]) {
        const fits = character.repeat(5000);
        expect(directory.fits(fits)).toBe(true);
        const user = await directory.find("ann");
        expect(await directory.replaceOwnIdData(changeOf(user, { replacement: fits }))).not.toBe("unchanged");
        expect((await directory.find("ann")).ownIdData).toBe(fits);
        expect(directory.fits(fits + character)).toBe(false);
      }
    });

    test("has the database behind it, which refuses and does not cut", async () => {
      // SQLite itself would hold more than the column declares.
      if (database.kind === "sqlite") return;
      const { limited } = typesOf[database.kind];
      const { directory, stored } = await withUsers([{ loginId: "ann", ownIdData: "old" }], {
        ownIdData: limited,
      });
      const user = await directory.find("ann");
      const forced = directory.replaceOwnIdData(changeOf(user, { replacement: "😀".repeat(5001) }));
      expect(await outcomeOf(forced)).toBe("ERR_OWNID_DATA_TOO_LONG");
      expect(await stored()).toEqual([["ann", hexOf("old")]]);
    });
  });

  describe("verifyConnection", () => {
    test("comes first: until then every call is DatabaseUnavailable", async () => {
      const names = await createTable(database, [{ loginId: "ann" }], {});
      const directory = database.directory(names);
      const change = { loginId: "ann", expected: null, replacement: "data", deadlineMs: Date.now() + 60_000 };
      expect(await outcomeOf(directory.find("ann"))).toBe("ERR_DATABASE_UNAVAILABLE");
      expect(await outcomeOf(directory.replaceOwnIdData(change))).toBe("ERR_DATABASE_UNAVAILABLE");
      expect(await storedHex(database, names)).toEqual([["ann", null]]);
      await directory.verifyConnection();
      expect(await outcomeOf(directory.find("ann"))).toBe("done");
    });

    test("may be called again and again, and by many at once", async () => {
      const directory = database.directory(await createTable(database, [{ loginId: "ann" }], {}));
      await Promise.all([directory.verifyConnection(), directory.verifyConnection()]);
      await directory.verifyConnection();
      expect((await directory.find("ann")).loginId).toBe("ann");
    });

    test("changes no row, not even of a user whose login id is empty", async () => {
      const { stored } = await withUsers([
        { loginId: "", ownIdData: "" },
        { loginId: "ann", ownIdData: "old" },
      ]);
      expect(await stored()).toEqual([
        ["", ""],
        ["ann", hexOf("old")],
      ]);
    });

    test("leaves two directories of one process to their own tables", async () => {
      const { limited } = typesOf[database.kind];
      const one = await withUsers([{ loginId: "ann", ownIdData: "one" }]);
      const two = await withUsers([{ loginId: "ann", ownIdData: "two" }], { ownIdData: limited });
      const tooLongForTwo = "x".repeat(5001);
      expect([one.directory.fits(tooLongForTwo), two.directory.fits(tooLongForTwo)]).toEqual([true, false]);
      const [userOne, userTwo] = await Promise.all([one.directory.find("ann"), two.directory.find("ann")]);
      expect([userOne.ownIdData, userTwo.ownIdData]).toEqual(["one", "two"]);
      await one.directory.replaceOwnIdData(changeOf(userOne, { replacement: "changed" }));
      expect(await two.stored()).toEqual([["ann", hexOf("two")]]);
    });

    test("takes a table in a schema, by names with blanks and capitals", async () => {
      const schema = database.kind === "sqlite" ? "main" : "site schema";
      const table = `${schema}.${database.newTable()} Of The Site`;
      const { directory, stored } = await withUsers([{ loginId: "ann" }], {}, table);
      const user = await directory.find("ann");
      expect(await directory.replaceOwnIdData(changeOf(user, { replacement: "data" }))).not.toBe("unchanged");
      expect(await stored()).toEqual([["ann", hexOf("data")]]);
    });
  });

  describe("close", () => {
    test("lets statements under way finish", async () => {
      const { directory } = await withUsers([{ loginId: "ann" }]);
      const found = Array.from({ length: 8 }, () => outcomeOf(directory.find("ann")));
      await directory.close();
      expect(await Promise.all(found)).toEqual(found.map(() => "done"));
    });
  });
}

function changeOf(
  user: Awaited<ReturnType<UserDirectory["find"]>>,
  changes: Partial<Replacement>,
): Replacement {
  const { loginId, ownIdData, databaseTimeMs } = user;
  return {
    loginId,
    expected: ownIdData,
    replacement: "changed",
    deadlineMs: databaseTimeMs + 60_000,
    ...changes,
  };
}

/** One who is not blocked, one who is, and one of whom the column says nothing. */
function usersByBlocked(no: unknown, yes: unknown): User[] {
  return [
    { loginId: "no", blocked: no },
    { loginId: "yes", blocked: yes },
    { loginId: "null", blocked: null },
  ];
}

function hexOf(text: string): string {
  return Buffer.from(text).toString("hex");
}
