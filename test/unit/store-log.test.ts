import { expect, test } from "bun:test";
import { createStoreLog } from "../../src/coherence/store-log.ts";

function logUnderTest() {
  const audits: string[] = [];
  const clock = { nowMs: 0 };
  const log = createStoreLog(
    ({ audit }) => audits.push(audit),
    () => clock.nowMs,
  );
  return { log, audits, clock };
}

test("tells of each stale hit", () => {
  const { log, audits } = logUnderTest();
  log("stale hit");
  log("stale hit");
  expect(audits).toEqual(["stale_hit", "stale_hit"]);
});

test("tells of a trigger once a minute at most, however many sets meet it", () => {
  const { log, audits, clock } = logUnderTest();
  for (let set = 0; set < 100; set += 1) log("value altered");
  log("write suppressed");
  expect(audits).toEqual(["value_altered", "write_suppressed"]);
  clock.nowMs = 60_000;
  log("value altered");
  expect(audits).toEqual(["value_altered", "write_suppressed", "value_altered"]);
});

test("is silent about what is no alarm", () => {
  const { log, audits } = logUnderTest();
  for (const event of ["audited", "written", "write contended", "outcome unknown"] as const) log(event);
  expect(audits).toEqual([]);
});
