import { expect, test } from "bun:test";
import { createPatience } from "../../scripts/sync/patience.ts";
import { goThrough } from "../../scripts/sync/walk.ts";

const { signal: stop } = new AbortController();
const patience = createPatience(1000, stop);
const work = { step: "test", items: "items", total: null };

/** Pages of ten items, which take 10 ms each at a rate of 1,000 items a second. */
async function* pages(count: number) {
  for (let page = 0; page < count; page += 1) yield Array.from({ length: 10 }, () => page);
}

test("a rate is not exceeded after a page that took long", async () => {
  let slowUntil = 0;
  await goThrough({ patience }, { rate: 1000, stop }, work, pages(11), async ([page]) => {
    if (page !== 0) return;
    await Bun.sleep(150);
    slowUntil = performance.now();
  });
  expect(performance.now() - slowUntil).toBeGreaterThan(90);
});
