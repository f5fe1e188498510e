import { expect, test } from "bun:test";
import { createPatience } from "../../scripts/sync/patience.ts";
import { SqlFailed } from "../../src/directory/sql-client.ts";
import { HotCopyUnavailable, type SidecarError } from "../../src/errors.ts";
import { errorOf } from "../support/outcome.ts";

const never = new AbortController().signal;
const databaseFailure = (meaning: SqlFailed["meaning"]) =>
  new SqlFailed({ meaning, reason: "no", fix: "none" });

/** Fails with this error for so many times, and then succeeds. */
function failing(error: SidecarError, times: number) {
  let calls = 0;
  return {
    calls: () => calls,
    async step() {
      calls += 1;
      if (calls <= times) throw error;
      return "done";
    },
  };
}

test.each([
  ["Redis is silent", new HotCopyUnavailable(), "Redis does not answer"],
  ["the database is silent", databaseFailure("unknown"), "no"],
  ["the server is a replica", databaseFailure("replica"), "no"],
])("a step is repeated until it succeeds, and the reason is told: %s", async (_what, error, reason) => {
  const patience = createPatience(60_000, never);
  const told: (string | null)[] = [];
  const { step } = failing(error, 2);
  const result = patience.retry(() => {
    told.push(patience.waitingFor());
    return step();
  });
  expect(await result).toBe("done");
  expect(told).toEqual([null, reason, reason]);
  expect([patience.waitingFor(), patience.waitedMs()]).toEqual([null, null]);
});

test.each(["forbidden", "misfit"] as const)("a step that is %s fails at once", async (meaning) => {
  const error = databaseFailure(meaning);
  const { step, calls } = failing(error, 1);
  expect(await errorOf(createPatience(60_000, never).retry(step))).toBe(error);
  expect(calls()).toBe(1);
});

test.each([
  ["the limit", 1, undefined],
  ["a limit of its own", 60_000, 2],
])("a step is given up after %s", async (_which, limitMs, ownLimitMs) => {
  const patience = createPatience(limitMs, never);
  const error = new HotCopyUnavailable();
  expect(await errorOf(patience.retry(failing(error, 1000).step, ownLimitMs))).toBe(error);
  expect(patience.waitedMs()).toBe(ownLimitMs ?? limitMs);
});

test("a stop ends the waiting at once, and no limit has passed", async () => {
  const stop = new AbortController();
  const patience = createPatience(60_000, stop.signal);
  const error = new HotCopyUnavailable();
  const result = patience.retry(failing(error, 1000).step);
  stop.abort();
  expect(await errorOf(result)).toBe(error);
  expect(patience.waitedMs()).toBeNull();
});
