import { expect, test } from "bun:test";
import { createStaleUsers } from "../../src/redis/stale-users.ts";
import { replaceProperty } from "../support/replaced-property.ts";

test("believes the master that kept the mark, and no other one", () => {
  const users = createStaleUsers(1000);
  users.remember("ann", "e1");
  expect([users.has("ann", null), users.has("ann", "e2"), users.has("bob", null)]).toEqual([
    true,
    true,
    false,
  ]);
  expect(users.has("ann", "e1")).toBe(false);
  expect(users.has("ann", null)).toBe(false);
});

test("forgets a user when it is told to, and when the mark has lapsed", () => {
  const users = createStaleUsers(1000);
  users.remember("ann", "e1");
  users.remember("bob", "e1");
  users.forget("ann");
  expect([users.has("ann", null), users.has("bob", null)]).toEqual([false, true]);
  const now = performance.now();
  const goOn = replaceProperty(performance, "now", () => now + 1000);
  const held = users.has("bob", null);
  goOn();
  expect(held).toBe(false);
});

test("remembers ten thousand users at most, the latest ones", () => {
  const users = createStaleUsers(60_000);
  for (let number = 0; number <= 10_000; number += 1) users.remember(`user ${number}`, "e1");
  expect([users.has("user 0", null), users.has("user 1", null), users.has("user 10000", null)]).toEqual([
    false,
    true,
    true,
  ]);
});
