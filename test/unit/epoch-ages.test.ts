import { afterEach, beforeEach, expect, setSystemTime, test } from "bun:test";
import { createEpochAges } from "../../src/redis/epoch-ages.ts";

const startMs = 1_800_000_000_000;
const graceMs = 15_000;

beforeEach(() => {
  setSystemTime(startMs);
});
afterEach(() => {
  setSystemTime();
});

/** The ages of epochs whose recording ends as the test says. */
function agesWith(record: () => Promise<number>) {
  return createEpochAges({ record, graceMs });
}

/** Lets attempts that need not wait come to their end. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("takes an epoch's age from the record, and with it the end of its grace", async () => {
  const ages = agesWith(async () => graceMs);
  expect(ages.youngestSeenAtMs()).toBeNull();
  await ages.see("a");
  expect(ages.youngestSeenAtMs()).toBe(startMs - graceMs);
  expect([ages.areRecorded(), ages.isGraceOver()]).toEqual([true, true]);
});

test("counts an epoch that cannot be recorded from when it was first seen here, and takes the record later", async () => {
  let record = async (): Promise<number> => {
    throw new Error("away");
  };
  const ages = agesWith(() => record());
  await ages.see("a");
  setSystemTime(startMs + 4000);
  ages.retry();
  await settled();
  expect([ages.has("a"), ages.areRecorded(), ages.isGraceOver()]).toEqual([true, false, false]);
  expect(ages.youngestSeenAtMs()).toBe(startMs);

  record = async () => 3_600_000;
  ages.retry();
  await settled();
  expect([ages.areRecorded(), ages.isGraceOver()]).toEqual([true, true]);
  expect(ages.youngestSeenAtMs()).toBe(startMs + 4000 - 3_600_000);
});

test("does not count an epoch from a record that was made after it was first seen here", async () => {
  let record = async (): Promise<number> => {
    throw new Error("away");
  };
  const ages = agesWith(() => record());
  await ages.see("a");
  setSystemTime(startMs + 4000);
  record = async () => 0;
  ages.retry();
  await settled();
  expect([ages.areRecorded(), ages.youngestSeenAtMs()]).toEqual([true, startMs]);
});

test("waits for the first attempt to record an epoch only, and makes one at a time", async () => {
  let attempts = 0;
  const { promise, reject } = Promise.withResolvers<number>();
  const ages = agesWith(() => {
    attempts += 1;
    return attempts === 1 ? promise : new Promise(() => {});
  });
  const first = ages.see("a");
  await ages.see("a");
  ages.retry();
  expect(attempts).toBe(1);
  reject(new Error("away"));
  await first;
  ages.retry();
  ages.retry();
  expect(attempts).toBe(2);
});

test("says why an epoch is not recorded only until it is, and never of another epoch", async () => {
  const refusal = new Error("NOPERM");
  let record = async (): Promise<number> => {
    throw refusal;
  };
  const ages = agesWith(() => record());
  await ages.see("a");
  expect(ages.failures()).toEqual([refusal]);
  record = async () => 0;
  ages.retry();
  await settled();
  expect(ages.failures()).toEqual([]);
  const { promise, resolve } = Promise.withResolvers<number>();
  record = () => promise;
  const seen = ages.see("b");
  expect([ages.areRecorded(), ages.failures()]).toEqual([false, []]);
  resolve(0);
  await seen;
  expect(ages.areRecorded()).toBe(true);
});

test("counts an epoch that starts anew from then on, whatever its record says", async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const ages = agesWith(() => promise);
  const seen = ages.see("a");
  setSystemTime(startMs + 9000);
  ages.startAnew("a");
  resolve(3_600_000);
  await seen;
  expect([ages.areRecorded(), ages.isGraceOver()]).toEqual([true, false]);
  expect(ages.youngestSeenAtMs()).toBe(startMs + 9000);
});
