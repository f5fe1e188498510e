import { describe, expect, test } from "bun:test";
import { type HotCopy, withoutHotCopy } from "../../src/coherence/hot-copy.ts";
import { createRowWriter } from "../../src/coherence/row-write.ts";
import type { UserDirectory } from "../../src/coherence/user-directory.ts";
import {
  DatabaseUnavailable,
  OutcomeUnknown,
  UserUnknown,
  ValueAltered,
  WriteContended,
  WriteSuppressed,
} from "../../src/errors.ts";
import { errorOf } from "../support/outcome.ts";
import { failWith, sol, statementMs, storeOver } from "../support/store-over.ts";

const trigger = (action: string) => `CREATE TRIGGER meddles ${action}`;
const trims = trigger(
  "AFTER UPDATE OF ownIdData ON users BEGIN UPDATE users SET ownIdData = trim(NEW.ownIdData) WHERE email = NEW.email; END",
);
const ignores = trigger("BEFORE UPDATE OF ownIdData ON users BEGIN SELECT RAISE(IGNORE); END");
const putsBack = trigger(
  "AFTER UPDATE OF ownIdData ON users BEGIN UPDATE users SET ownIdData = OLD.ownIdData WHERE email = NEW.email; END",
);

describe("a set of a table with triggers", () => {
  test("is acknowledged when the trigger leaves the value alone", async () => {
    await using over = await storeOver("old");
    over.table.run(trims);
    await over.store.set(sol, "A");
    expect(over.table.read(sol)).toBe("A");
  });

  test("says that the row holds something else when a trigger alters the value", async () => {
    await using over = await storeOver("old");
    over.table.run(trims);
    expect(await errorOf(over.store.set(sol, " A "))).toBeInstanceOf(ValueAltered);
    expect(over.replacements).toHaveLength(1);
    expect(over.events).toEqual(["value altered"]);
    expect(await over.store.get(sol)).toBe("A");
  });

  test("says that the row holds something else when a trigger puts the old value back", async () => {
    await using over = await storeOver("old");
    over.table.run(putsBack);
    expect(await errorOf(over.store.set(sol, "new"))).toBeInstanceOf(ValueAltered);
    expect(await over.store.get(sol)).toBe("old");
  });

  test("says that nothing was written when a trigger drops the change, in all tries", async () => {
    await using over = await storeOver("old");
    over.table.run(ignores);
    expect(await errorOf(over.store.set(sol, "new"))).toBeInstanceOf(WriteSuppressed);
    expect(over.replacements).toHaveLength(3);
    expect(over.events).toEqual(["write suppressed"]);
    expect(over.table.read(sol)).toBe("old");
  });

  test("is no suppressed one when another writer changes the row between the tries", async () => {
    await using over = await storeOver("old", {
      beforeReplace: (nth) => void (nth === 2 && over.table.write(sol, "theirs")),
    });
    over.table.run(
      `CREATE TRIGGER drops BEFORE UPDATE OF ownIdData ON users WHEN NEW.ownIdData = 'new' BEGIN SELECT RAISE(IGNORE); END`,
    );
    expect(await errorOf(over.store.set(sol, "new"))).toBeInstanceOf(WriteContended);
  });

  test("is acknowledged when the database counts no row, and the row holds what was sent", async () => {
    await using over = await storeOver("old");
    over.table.run(
      `CREATE TRIGGER redirects BEFORE UPDATE OF ownIdData ON users WHEN OLD.ownIdData IS NOT NEW.ownIdData
       BEGIN UPDATE users SET ownIdData = NEW.ownIdData WHERE email = NEW.email AND ownIdData IS NOT NEW.ownIdData;
             SELECT RAISE(IGNORE); END`,
    );
    await over.store.set(sol, "new");
    expect(over.table.read(sol)).toBe("new");
  });
});

describe("a set whose row is read back", () => {
  test("is not acknowledged when the row has been overwritten since", async () => {
    await using over = await storeOver("old", { afterReplace: () => over.table.write(sol, "theirs") });
    expect(await errorOf(over.store.set(sol, "ours"))).toBeInstanceOf(ValueAltered);
    expect(over.table.read(sol)).toBe("theirs");
  });

  test("is not acknowledged when the row has been deleted since", async () => {
    await using over = await storeOver("old", { afterReplace: () => over.table.remove(sol) });
    expect(await errorOf(over.store.set(sol, "ours"))).toBeInstanceOf(ValueAltered);
    expect(await errorOf(over.store.set(sol, "ours"))).toBeInstanceOf(UserUnknown);
  });

  test("is of unknown outcome when the database does not answer any more", async () => {
    await using over = await storeOver("old", {
      beforeFind: (nth) => nth === 2 && failWith(new DatabaseUnavailable("", ""))(),
    });
    expect(await errorOf(over.store.set(sol, "new"))).toBeInstanceOf(OutcomeUnknown);
    expect(over.replacements).toHaveLength(1);
    expect(over.table.read(sol)).toBe("new");
  });
});

describe("a write that its caller repeats", () => {
  const user = { loginId: sol, ownIdData: "old", blocked: false, databaseTimeMs: 0 };
  const repeatable = { token: "own", seen: null, lockMs: 1 };

  /** Writes a row that no UPDATE changes, and returns how the write failed and how often END ran. */
  async function writeInVain(row: typeof user): Promise<{ error: unknown; ends: number }> {
    let ends = 0;
    const directory: UserDirectory = {
      verifyConnection: async () => {},
      find: async () => row,
      findForSession: async () => ({ ...row, columns: new Map() }),
      fits: () => true,
      noData: () => null,
      replaceOwnIdData: async () => "unchanged",
      close: async () => {},
    };
    const end = async () => {
      ends += 1;
    };
    const found = { value: null, token: "own:1:2", isStale: false };
    const hotCopy: HotCopy = {
      ...withoutHotCopy,
      begin: async () => ({ found, markStale: async () => false, end }),
    };
    const write = createRowWriter({ directory, hotCopy, statementMs, onEvent: () => {} });
    const mode = { onlyIf: () => true };
    return { error: await errorOf(write({ user, ownIdData: "new", mode, repeatable })), ends };
  }

  test("keeps its marker when its deadline has passed, so that no lookup fills the hash before the repetition", async () => {
    const { error, ends } = await writeInVain({ ...user, databaseTimeMs: statementMs });
    expect(error).toBeInstanceOf(WriteContended);
    expect(ends).toBe(0);
  });

  test("ends when the row has changed, after which it is not repeated", async () => {
    expect((await writeInVain({ ...user, ownIdData: "theirs" })).ends).toBe(1);
  });
});
