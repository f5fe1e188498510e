import { describe, expect, test } from "bun:test";
import { createWriteQueue } from "../../src/coherence/write-queue.ts";
import {
  DatabaseUnavailable,
  ErasureIncomplete,
  HotCopyUnavailable,
  OutcomeUnknown,
  WriteContended,
} from "../../src/errors.ts";
import { errorOf } from "../support/outcome.ts";

/** A queue whose writes end when the test says so. */
function queueWith(limitMs: number) {
  const started: string[] = [];
  const refused: string[] = [];
  const clock = { ms: 0 };
  const queue = createWriteQueue({
    limitMs,
    onRefused: (loginId) => refused.push(loginId),
    now: () => clock.ms,
  });
  function write(loginId: string, name: string) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const done = queue.run(loginId, () => {
      started.push(name);
      return promise;
    });
    return { done, resolve, reject };
  }
  return { started, refused, write, clock };
}

test("runs the writes of one login id one after another, and those of others at once", async () => {
  const { started, write } = queueWith(10_000);
  const first = write("ann", "first");
  const second = write("ann", "second");
  const third = write("ann", "third");
  const other = write("bob", "other");
  expect(started).toEqual(["first", "other"]);
  first.resolve();
  await first.done;
  expect(started).not.toContain("third");
  second.resolve();
  await second.done;
  third.resolve();
  other.resolve();
  await Promise.all([third.done, other.done]);
  expect(started).toEqual(["first", "other", "second", "third"]);
});

test("goes on after a write that failed", async () => {
  const { started, write } = queueWith(10_000);
  const first = write("ann", "first");
  const second = write("ann", "second");
  first.reject(new Error("away"));
  expect(String(await errorOf(first.done))).toContain("away");
  second.resolve();
  await second.done;
  expect(started).toEqual(["first", "second"]);
});

test("refuses a write that has waited too long, and keeps later ones behind the one in flight", async () => {
  const { started, refused, write } = queueWith(20);
  const first = write("ann", "first");
  const late = write("ann", "late");
  expect(await errorOf(late.done)).toBeInstanceOf(WriteContended);
  expect(refused).toEqual(["ann"]);
  const next = write("ann", "next");
  first.resolve();
  await first.done;
  next.resolve();
  await next.done;
  expect(started).toEqual(["first", "next"]);
});

test("does not let a write wait for one that has ended", async () => {
  const { started, write } = queueWith(0);
  const first = write("ann", "first");
  first.resolve();
  await first.done;
  write("ann", "second");
  expect(started).toEqual(["first", "second"]);
});

describe("a write that waits for an answer in vain", () => {
  test.each([
    ["of Redis", new HotCopyUnavailable(), 0, HotCopyUnavailable],
    ["of Redis after it has erased the row", new ErasureIncomplete("silent"), 0, HotCopyUnavailable],
    ["of the database", new DatabaseUnavailable("silent", "wait"), 5000, DatabaseUnavailable],
    ["about its outcome", new OutcomeUnknown("lost"), 5000, DatabaseUnavailable],
  ])("%s fails those that wait for it at once, and none that come later", async (_, error, ms, expected) => {
    const { started, refused, write, clock } = queueWith(10_000);
    const first = write("ann", "first");
    const second = errorOf(write("ann", "second").done);
    const third = errorOf(write("ann", "third").done);
    const other = write("bob", "other");
    clock.ms = ms;
    first.reject(error);
    expect(await errorOf(first.done)).toBe(error);
    expect(await second).toBeInstanceOf(expected);
    expect(await third).toBeInstanceOf(expected);
    const later = write("ann", "later");
    later.resolve();
    other.resolve();
    await Promise.all([later.done, other.done]);
    expect(started).toEqual(["first", "other", "later"]);
    expect(refused).toEqual([]);
  });
});

test.each([
  ["refuses its value", new DatabaseUnavailable("a constraint refuses the value", "change it")],
  ["loses its connection", new OutcomeUnknown("lost")],
])(
  "a write that fails soon, because the database %s, does not fail those that wait for it",
  async (_, error) => {
    const { started, write, clock } = queueWith(10_000);
    const first = write("ann", "first");
    const second = write("ann", "second");
    clock.ms = 4999;
    first.reject(error);
    expect(await errorOf(first.done)).toBe(error);
    second.resolve();
    await second.done;
    expect(started).toEqual(["first", "second"]);
  },
);
