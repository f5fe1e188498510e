import { expect, test } from "bun:test";
import type { Operation } from "./history.ts";
import { findUnlinearizable } from "./register.ts";

const process = { name: "sidecar-1", isAlive: true, frozenUntilMs: 0 };

/** Creates a `set` or `get` with its value and the interval in which it ran. Without an end, its outcome is unknown. */
function operation(kind: "get" | "set", value: string, startStep: number, endStep: number | null): Operation {
  const outcome = endStep === null ? "unknown" : "done";
  return { kind, value, startStep, endStep, outcome, loginId: "ann", process, startMs: startStep };
}

const judge = (...operations: Operation[]) => findUnlinearizable(operations, "first");

test("a read may return either value while a write is in flight", () => {
  const write = operation("set", "a", 10, 20);
  expect(judge(write, operation("get", "first", 11, 12), operation("get", "a", 13, 14))).toBeNull();
  expect(judge(write, operation("get", "a", 11, 12))).toBeNull();
});

test("an old value must not be read after the new one", () => {
  const write = operation("set", "a", 10, 20);
  expect(judge(write, operation("get", "a", 11, 12), operation("get", "first", 13, 14))).toMatch(
    /read again/,
  );
  expect(judge(write, operation("get", "first", 21, 22))).toMatch(/read again/);
});

test("an acknowledged write must not be lost between two reads of another value", () => {
  const reads = [operation("get", "a", 11, 12), operation("get", "a", 40, 41)];
  expect(judge(operation("set", "a", 1, 10), operation("set", "b", 20, 30), ...reads)).toMatch(/read again/);
});

test("values must not alternate", () => {
  const writes = [operation("set", "a", 1, 100), operation("set", "b", 1, 100)];
  const turns = ["a", "b", "a"].map((value, turn) => operation("get", value, 10 * turn + 2, 10 * turn + 5));
  expect(judge(...writes, ...turns)).toMatch(/read again/);
});

test("a write with an unknown outcome may take effect late or never", () => {
  const unknown = operation("set", "a", 10, null);
  expect(judge(unknown, operation("get", "first", 50, 51))).toBeNull();
  expect(judge(unknown, operation("get", "first", 50, 51), operation("get", "a", 60, 61))).toBeNull();
  expect(judge(unknown, operation("get", "a", 50, 51), operation("get", "first", 60, 61))).toMatch(
    /read again/,
  );
});

test("a value must not be read before its write begins or without one", () => {
  expect(judge(operation("get", "a", 1, 2), operation("set", "a", 10, 20))).toMatch(/before it was written/);
  expect(judge(operation("get", "a", 1, 2))).toMatch(/never written/);
});
