import { expect, test } from "bun:test";
import { countRarely, describeRepeats, uniqueFixes } from "../../src/directory/repeated-login-ids.ts";
import { sql } from "../../src/fix.ts";
import { errorOf } from "../support/outcome.ts";

test("reads a whole table no more than once a minute, however often it is asked, and whatever came of it", async () => {
  let counts = 0;
  const count = countRarely(async () => {
    counts += 1;
    throw new Error("the statement ran into its time limit");
  });
  expect(String(await errorOf(count("users", "email")))).toContain("time limit");
  expect(String(await errorOf(count("users", "email")))).toContain("time limit");
  expect(counts).toBe(1);
});

test("tells how many login ids are repeated, and names none", () => {
  const told = ([repeated, empty]: readonly [number, number]) => describeRepeats({ repeated, empty });
  expect(
    (
      [
        [0, 0],
        [0, 1],
        [1, 0],
        [2, 1],
        [0, 3],
        [1, 3],
      ] as const
    ).map(told),
  ).toEqual([
    "",
    "",
    ": 1 login id occurs in several rows",
    ": 2 login ids occur in several rows",
    ": the empty one occurs in 3 rows",
    ": 1 login id occurs in several rows, and the empty one occurs in 3 rows",
  ]);
  expect(describeRepeats(null)).toBe("; whether any occurs twice could not be counted");
});

test("prints a unique index alone only where it can be made", () => {
  const ways = {
    index: [sql("CREATE UNIQUE INDEX;")],
    among: (condition: string) => [sql(`CREATE VIEW WHERE ${condition};`)],
    notEmpty: "email <> ''",
    partial: null,
  };
  const first = (repeats: Parameters<typeof uniqueFixes>[0], partial: string | null = null) => {
    const fixes = uniqueFixes(repeats, { ...ways, partial });
    return [fixes.length, fixes[0]?.steps[0]?.text];
  };
  expect(first({ repeated: 0, empty: 1 })).toEqual([1, "CREATE UNIQUE INDEX;"]);
  expect(first({ repeated: 0, empty: 2 })).toEqual([1, "CREATE VIEW WHERE email <> '';"]);
  expect(first({ repeated: 1, empty: 0 })).toEqual([
    2,
    "CREATE VIEW WHERE <the condition of rows that are users>;",
  ]);
  expect(first(null)).toEqual([2, "CREATE VIEW WHERE <the condition of rows that are users>;"]);
  expect(first({ repeated: 0, empty: 0 }, "NOT gone")).toEqual([2, "CREATE VIEW WHERE NOT gone;"]);
});
