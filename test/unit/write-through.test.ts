import { describe, expect, test } from "bun:test";
import {
  DatabaseUnavailable,
  OutcomeUnknown,
  OwnIdDataTooLong,
  UserBlocked,
  UserUnknown,
  WriteContended,
} from "../../src/errors.ts";
import { errorOf } from "../support/outcome.ts";
import { failWith, sol, statementMs, storeOver } from "../support/store-over.ts";

describe("get", () => {
  test("answers the database's value at the moment it is asked", async () => {
    await using over = await storeOver("first");
    expect(await over.store.get(sol)).toBe("first");
    over.table.write(sol, "second");
    expect(await over.store.get(sol)).toBe("second");
  });

  test("answers null for NULL and for the empty text alike", async () => {
    await using over = await storeOver(null);
    expect(await over.store.get(sol)).toBeNull();
    over.table.write(sol, "");
    expect(await over.store.get(sol)).toBeNull();
  });

  test("throws for an unknown user, and finds the user who exists a moment later", async () => {
    await using over = await storeOver(null);
    expect(await errorOf(over.store.get("mia@testmail.com"))).toBeInstanceOf(UserUnknown);
    over.table.insert({ email: "mia@testmail.com", ownIdData: "hers" });
    expect(await over.store.get("mia@testmail.com")).toBe("hers");
  });

  test("refuses a blocked user, so that OwnID can say so at once", async () => {
    await using over = await storeOver("data");
    over.table.block(sol);
    expect(await errorOf(over.store.get(sol))).toBeInstanceOf(UserBlocked);
  });

  test("throws when the database gives no answer, instead of a value", async () => {
    await using over = await storeOver("data", { beforeFind: failWith(new DatabaseUnavailable("", "")) });
    expect(await errorOf(over.store.get(sol))).toBeInstanceOf(DatabaseUnavailable);
  });
});

describe("set", () => {
  test("has committed the value when it returns, in one statement, and has read it back", async () => {
    await using over = await storeOver("old");
    await over.store.set(sol, "new");
    expect(over.table.read(sol)).toBe("new");
    expect(over.replacements).toHaveLength(1);
    expect(over.finds.map(({ ownIdData }) => ownIdData)).toEqual(["old", "new"]);
    expect(over.events).toEqual(["written"]);
  });

  test("overwrites only the value it has read", async () => {
    for (const before of [null, "", "old"]) {
      await using over = await storeOver(before);
      await over.store.set(sol, "new");
      expect(over.replacements.map(({ expected }) => expected)).toEqual([before]);
      expect(over.table.read(sol)).toBe("new");
    }
  });

  test("writes nothing when the value is there already", async () => {
    await using over = await storeOver("same");
    await over.store.set(sol, "same");
    expect(over.replacements).toEqual([]);
  });

  test("writes the empty text as itself, also over NULL", async () => {
    await using over = await storeOver(null);
    await over.store.set(sol, "");
    expect(over.table.read(sol)).toBe("");
    await over.store.set(sol, "x");
    await over.store.set(sol, "");
    expect(over.table.read(sol)).toBe("");
  });

  test("refuses a blocked user before anything is written", async () => {
    await using over = await storeOver("old");
    over.table.block(sol);
    expect(await errorOf(over.store.set(sol, "new"))).toBeInstanceOf(UserBlocked);
    expect(await errorOf(over.store.set(sol, "old"))).toBeInstanceOf(UserBlocked);
    expect(over.replacements).toEqual([]);
    expect(over.table.read(sol)).toBe("old");
  });

  test("refuses an unknown user and creates none", async () => {
    await using over = await storeOver("old");
    expect(await errorOf(over.store.set("mia@testmail.com", "new"))).toBeInstanceOf(UserUnknown);
    expect(over.replacements).toEqual([]);
    expect(over.table.count()).toBe(1);
  });

  test("refuses a value that the column cannot hold before anything is written", async () => {
    await using over = await storeOver("old", { fits: () => false });
    expect(await errorOf(over.store.set(sol, "new"))).toBeInstanceOf(OwnIdDataTooLong);
    expect(over.replacements).toEqual([]);
    expect(over.table.read(sol)).toBe("old");
  });

  test("throws when the user cannot be read, and writes nothing", async () => {
    await using over = await storeOver("old", { beforeFind: failWith(new DatabaseUnavailable("", "")) });
    expect(await errorOf(over.store.set(sol, "new"))).toBeInstanceOf(DatabaseUnavailable);
    expect(over.replacements).toEqual([]);
  });
});

describe("set against another writer", () => {
  test("tries again on the value that the other one wrote", async () => {
    await using over = await storeOver("old", {
      beforeReplace: (nth) => void (nth === 1 && over.table.write(sol, "theirs")),
    });
    await over.store.set(sol, "ours");
    expect(over.replacements.map(({ expected }) => expected)).toEqual(["old", "theirs"]);
    expect(over.table.read(sol)).toBe("ours");
  });

  test("is acknowledged when the other one wrote the same value", async () => {
    await using over = await storeOver("old", {
      beforeReplace: () => over.table.write(sol, "ours"),
    });
    await over.store.set(sol, "ours");
    expect(over.table.read(sol)).toBe("ours");
  });

  test("writes a value that the row held already if the other one has changed the row meanwhile", async () => {
    await using over = await storeOver("ours", {
      afterFind: (user, nth) => {
        if (nth === 1) over.table.write(sol, "theirs");
        return user;
      },
    });
    await over.store.set(sol, "ours");
    expect(over.table.read(sol)).toBe("ours");
  });

  test("erases a row that held no data if the other one has written data meanwhile", async () => {
    await using over = await storeOver(null, {
      afterFind: (user, nth) => {
        if (nth === 1) over.table.write(sol, "theirs");
        return user;
      },
    });
    await over.store.erase(sol);
    expect(over.table.read(sol)).toBeNull();
  });

  test("gives up after three tries with the other one's value in place", async () => {
    await using over = await storeOver("old", {
      beforeReplace: (nth) => over.table.write(sol, `theirs ${nth}`),
    });
    expect(await errorOf(over.store.set(sol, "ours"))).toBeInstanceOf(WriteContended);
    expect(over.replacements.map(({ expected }) => expected)).toEqual(["old", "theirs 1", "theirs 2"]);
    expect(over.table.read(sol)).toBe("theirs 3");
    expect(over.events).toEqual(["write contended"]);
  });

  test("succeeds on the third try", async () => {
    await using over = await storeOver("old", {
      beforeReplace: (nth) => void (nth < 3 && over.table.write(sol, `theirs ${nth}`)),
    });
    await over.store.set(sol, "ours");
    expect(over.table.read(sol)).toBe("ours");
  });

  test("refuses when the user was deleted in between", async () => {
    await using over = await storeOver("old", { beforeReplace: () => over.table.remove(sol) });
    expect(await errorOf(over.store.set(sol, "new"))).toBeInstanceOf(UserUnknown);
    expect(over.replacements).toHaveLength(1);
    expect(over.table.count()).toBe(0);
  });

  test("refuses when the user was blocked in between", async () => {
    await using over = await storeOver("old", {
      beforeReplace(nth) {
        if (nth > 1) return;
        over.table.write(sol, "theirs");
        over.table.block(sol);
      },
    });
    expect(await errorOf(over.store.set(sol, "new"))).toBeInstanceOf(UserBlocked);
    expect(over.table.read(sol)).toBe("theirs");
  });

  test("commits each of many at once, in the order in which they came", async () => {
    await using over = await storeOver("old");
    const values = Array.from({ length: 60 }, (_, index) => `value ${index}`);
    await Promise.all(values.map((value) => over.store.set(sol, value)));
    expect(over.replacements.map(({ replacement }) => replacement)).toEqual(values);
    expect(over.table.read(sol)).toBe("value 59");
  });

  test("has a deadline that is earlier by the time for which it has waited for the other", async () => {
    const waitMs = 50;
    await using over = await storeOver("old", {
      beforeReplace: (nth) => void (nth === 1 && Bun.sleepSync(waitMs)),
    });
    await Promise.all([over.store.set(sol, "first"), over.store.set(sol, "second")]);
    // Of the first write, the row before and after its UPDATE; of the second, the row before.
    const [, , seen] = over.finds;
    expect(seen?.ownIdData).toBe("first");
    const allowedMs = (over.replacements[1]?.deadlineMs ?? 0) - (seen?.databaseTimeMs ?? 0);
    expect(allowedMs).toBeLessThanOrEqual(statementMs - waitMs);
  });
});

describe("set whose outcome is unknown", () => {
  test("is acknowledged when the row reads as written", async () => {
    await using over = await storeOver("old", { afterReplace: failWith(new OutcomeUnknown()) });
    await over.store.set(sol, "new");
    expect(over.table.read(sol)).toBe("new");
    expect(over.replacements).toHaveLength(1);
    expect(over.finds.map(({ ownIdData }) => ownIdData)).toEqual(["old", "new"]);
    expect(over.events).toEqual(["outcome unknown", "written"]);
  });

  test("stays unknown when the row still reads as before, and the write is never sent twice", async () => {
    await using over = await storeOver("old", { beforeReplace: failWith(new OutcomeUnknown()) });
    expect(await errorOf(over.store.set(sol, "new"))).toBeInstanceOf(OutcomeUnknown);
    expect(over.replacements).toHaveLength(1);
    expect(over.table.read(sol)).toBe("old");
  });

  test("stays unknown when the row reads as someone else's", async () => {
    await using over = await storeOver("old", {
      afterReplace() {
        over.table.write(sol, "theirs");
        throw new OutcomeUnknown();
      },
    });
    expect(await errorOf(over.store.set(sol, "new"))).toBeInstanceOf(OutcomeUnknown);
    expect(over.replacements).toHaveLength(1);
  });

  test("stays unknown when the row cannot be read back, though it was committed", async () => {
    await using over = await storeOver("old", {
      beforeFind: (nth) => nth > 1 && failWith(new DatabaseUnavailable("", ""))(),
      afterReplace: failWith(new OutcomeUnknown()),
    });
    expect(await errorOf(over.store.set(sol, "new"))).toBeInstanceOf(OutcomeUnknown);
    expect(over.replacements).toHaveLength(1);
    expect(over.table.read(sol)).toBe("new");
  });

  test("stays unknown when it happens on a later try", async () => {
    await using over = await storeOver("old", {
      beforeReplace(nth) {
        if (nth === 1) over.table.write(sol, "theirs");
        else throw new OutcomeUnknown();
      },
    });
    expect(await errorOf(over.store.set(sol, "new"))).toBeInstanceOf(OutcomeUnknown);
    expect(over.table.read(sol)).toBe("theirs");
  });

  test("is no excuse for an outcome that is known: a refused write is passed on as it is", async () => {
    for (const refusal of [new DatabaseUnavailable("", ""), new OwnIdDataTooLong()]) {
      await using over = await storeOver("old", { beforeReplace: failWith(refusal) });
      expect(await errorOf(over.store.set(sol, "new"))).toBe(refusal);
      expect(over.replacements).toHaveLength(1);
      expect(over.finds).toHaveLength(1);
    }
  });
});

describe("set and the deadline", () => {
  test("gives every try the same instant on the database's clock", async () => {
    await using over = await storeOver("old", {
      beforeReplace: (nth) => void (nth < 3 && over.table.write(sol, `theirs ${nth}`)),
    });
    await over.store.set(sol, "ours");
    const deadlineMs = (over.finds[0]?.databaseTimeMs ?? 0) + statementMs;
    expect(over.replacements.map((change) => change.deadlineMs)).toEqual([
      deadlineMs,
      deadlineMs,
      deadlineMs,
    ]);
  });

  test("is over when a read shows that the database's clock has passed it", async () => {
    await using over = await storeOver("old", {
      afterFind: (user, nth) =>
        nth === 1 ? user : { ...user, databaseTimeMs: user.databaseTimeMs + statementMs },
      beforeReplace: (nth) => over.table.write(sol, `theirs ${nth}`),
    });
    expect(await errorOf(over.store.set(sol, "ours"))).toBeInstanceOf(WriteContended);
    expect(over.replacements).toHaveLength(1);
  });

  test("makes a statement that arrives late change nothing", async () => {
    await using over = await storeOver("old", {
      // As if the first read had been so long ago.
      afterFind: (user, nth) =>
        nth > 1 ? user : { ...user, databaseTimeMs: user.databaseTimeMs - statementMs },
    });
    expect(await errorOf(over.store.set(sol, "new"))).toBeInstanceOf(WriteContended);
    expect(over.table.read(sol)).toBe("old");
  });
});

describe("findForSession", () => {
  test("answers the user as the table spells them, read each time", async () => {
    await using over = await storeOver("data");
    expect(await over.store.findForSession(sol)).toMatchObject({
      loginId: sol,
      ownIdData: "data",
      blocked: false,
    });
    over.table.block(sol);
    expect(await errorOf(over.store.findForSession(sol))).toBeInstanceOf(UserBlocked);
    over.table.remove(sol);
    expect(await errorOf(over.store.findForSession(sol))).toBeInstanceOf(UserUnknown);
  });
});
