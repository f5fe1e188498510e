import { expect, test } from "bun:test";
import { createPending } from "../../scripts/emulator/platform/pending.ts";

test("what waits for a person's next step is there for five minutes, and is taken once", () => {
  let now = 0;
  const pending = createPending<string>(() => now);
  const [first, second] = [pending.add("first"), pending.add("second")];
  expect([pending.find(first), pending.take(first), pending.take(first)]).toEqual(["first", "first", null]);
  now = 5 * 60_000 - 1;
  expect(pending.find(second)).toBe("second");
  now += 1;
  expect(pending.take(second)).toBeNull();
});
