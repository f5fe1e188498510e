import { expect, test } from "bun:test";
import { counted, timeLeftText } from "../../scripts/quantities.ts";
import { earlyEndText } from "../../scripts/sync/early-end.ts";
import { DatabaseUnavailable, HotCopyUnavailable } from "../../src/errors.ts";

test("a sync that ends early says why, also where the error has no message, and how to go on", () => {
  expect(earlyEndText(new HotCopyUnavailable(), { word: "warm", canResume: true, keep: false })).toBe(
    "Stopped early: Redis does not answer.\nTo find out why, run: bun run doctor\nThen continue with: bun run sync warm --resume\n",
  );
  expect(
    earlyEndText(new DatabaseUnavailable("it does not answer", "start it."), {
      word: "sync",
      canResume: false,
      keep: false,
    }),
  ).toBe(
    "Stopped early: it does not answer: start it.\nTo find out why, run: bun run doctor\nThen begin again with: bun run sync\n",
  );
  expect(earlyEndText(new HotCopyUnavailable(), { word: "warm", canResume: true, keep: true })).toEndWith(
    "Then continue with: bun run sync warm --resume --keep\n",
  );
});

test("a count agrees with its noun", () => {
  expect([0, 1, 2, 1200].map((number) => counted(number, "user"))).toEqual([
    "0 users",
    "1 user",
    "2 users",
    "1,200 users",
  ]);
  expect(counted(1, "hash contradicts", "hashes contradict")).toBe("1 hash contradicts");
});

test("a time that is left is rounded up", () => {
  expect([0.2, 59.5, 61, 3725].map(timeLeftText)).toEqual(["1 s", "60 s", "2 min", "1 h 3 min"]);
});
