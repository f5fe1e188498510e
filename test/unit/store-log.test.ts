import { expect, test } from "bun:test";
import { createStoreLog } from "../../src/coherence/store-log.ts";

function logUnderTest() {
  const events: string[] = [];
  const clock = { nowMs: 0 };
  const log = createStoreLog(
    ({ event }) => events.push(event),
    () => clock.nowMs,
  );
  return { log, events, clock };
}

test("tells of each stale hit", () => {
  const { log, events } = logUnderTest();
  log("stale hit");
  log("stale hit");
  expect(events).toEqual(["stale_hit", "stale_hit"]);
});

test("tells of a trigger once a minute at most, however many sets meet it", () => {
  const { log, events, clock } = logUnderTest();
  for (let set = 0; set < 100; set += 1) log("value altered");
  log("write suppressed");
  expect(events).toEqual(["value_altered", "write_suppressed"]);
  clock.nowMs = 60_000;
  log("value altered");
  expect(events).toEqual(["value_altered", "write_suppressed", "value_altered"]);
});

test("is silent about what is no alarm", () => {
  const { log, events } = logUnderTest();
  for (const event of ["audited", "written", "write contended", "outcome unknown"] as const) log(event);
  expect(events).toEqual([]);
});
