import { describe, expect, test } from "bun:test";
import { createPacemaker } from "../../scripts/load/pacemaker.ts";

describe.each([
  ["nothing is awaited", true],
  ["an answer is awaited", false],
])("a pacemaker while %s", (_, isIdle) => {
  test.each([0, 0.05, 0.4, 1.1, 3.7])(
    "beats once for each time, never before it, %p ms ahead",
    async (aheadMs) => {
      const beats: { dueMs: number; atMs: number }[] = [];
      const { promise, resolve } = Promise.withResolvers<void>();
      let dueMs = 0;
      const pacemaker = createPacemaker({
        isIdle: () => isIdle,
        beat() {
          beats.push({ dueMs, atMs: performance.now() });
          if (beats.length === 20) resolve();
          else next();
        },
      });
      function next(): void {
        dueMs = performance.now() + aheadMs;
        // A beat that is due already comes at once: from within, it would pile up on the stack.
        queueMicrotask(() => pacemaker.beatAt(dueMs));
      }
      next();
      await promise;
      expect(beats.filter(({ dueMs, atMs }) => atMs < dueMs)).toEqual([]);
    },
  );

  test("keeps the last time that it was given", async () => {
    let beats = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const pacemaker = createPacemaker({
      isIdle: () => isIdle,
      beat() {
        beats += 1;
        resolve();
      },
    });
    pacemaker.beatAt(performance.now() + 60_000);
    pacemaker.beatAt(performance.now() + 2);
    await promise;
    expect(beats).toBe(1);
  });

  test("does not beat after it was closed", async () => {
    let beats = 0;
    const pacemaker = createPacemaker({
      isIdle: () => isIdle,
      beat() {
        beats += 1;
      },
    });
    pacemaker.beatAt(performance.now() + 2);
    pacemaker.close();
    const later = Promise.withResolvers<void>();
    createPacemaker({ isIdle: () => isIdle, beat: later.resolve }).beatAt(performance.now() + 5);
    await later.promise;
    expect(beats).toBe(0);
  });
});
