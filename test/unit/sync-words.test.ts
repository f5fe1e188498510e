import { expect, test } from "bun:test";
import { counted, timeLeftText } from "../../scripts/quantities.ts";
import { commandAgain, earlyEndText } from "../../scripts/sync/early-end.ts";
import { DatabaseUnavailable, HotCopyUnavailable } from "../../src/errors.ts";

test("a sync that ends early says why, also where the error has no message, and how to go on", () => {
  const next = commandAgain(["warm", "--resume", "--rate", "100"], true);
  expect(earlyEndText({ error: new HotCopyUnavailable(), waitedMs: 30_000, next, isResumable: true })).toBe(
    "Stopped early after waiting for 30 s: Redis does not answer.\nTo find out why, run: bun run doctor\nThen continue with: bun run sync warm --rate 100 --resume\n",
  );
  const error = new DatabaseUnavailable("it does not answer", "start it.");
  const begin = commandAgain(["--show"], false);
  expect(earlyEndText({ error, waitedMs: null, next: begin, isResumable: false })).toBe(
    "Stopped early: it does not answer: start it.\nTo find out why, run: bun run doctor\nThen begin again with: bun run sync --show\n",
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
