import { expect, test } from "bun:test";
import { createStoreLog } from "../../src/coherence/store-log.ts";

function logUnderTest() {
  const audits: string[] = [];
  const clock = { nowMs: 0 };
  const note = createStoreLog(
    ({ audit }) => audits.push(audit),
    () => clock.nowMs,
  );
  return { note, audits, clock };
}

test("tells of each stale hit", () => {
  const { note, audits } = logUnderTest();
  note("stale hit");
  note("stale hit");
  expect(audits).toEqual(["stale_hit", "stale_hit"]);
});

test("tells of a trigger once a minute at most, however many sets meet it", () => {
  const { note, audits, clock } = logUnderTest();
  for (let set = 0; set < 100; set += 1) note("value altered");
  note("write suppressed");
  expect(audits).toEqual(["value_altered", "write_suppressed"]);
  clock.nowMs = 60_000;
  note("value altered");
  expect(audits).toEqual(["value_altered", "write_suppressed", "value_altered"]);
});

test("is silent about what is no alarm", () => {
  const { note, audits } = logUnderTest();
  for (const event of ["audited", "written", "write contended", "outcome unknown"] as const) note(event);
  expect(audits).toEqual([]);
});
