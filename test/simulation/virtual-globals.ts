import { replaceProperty } from "../support/replaced-property.ts";
import type { ScheduledEvent, Scheduler } from "./scheduler.ts";
import type { SeededRandom } from "./seeded-random.ts";

/**
 * Runs `simulate` while the clock, the timers and the random numbers of the process are replaced by those of the
 * simulation, so that the simulated code is the production code. `simulate` is synchronous, so nothing else runs before
 * they are restored.
 */
export function withVirtualGlobals<Result>(
  scheduler: Scheduler,
  random: SeededRandom,
  simulate: () => Result,
): Result {
  const restores: (() => void)[] = [];

  function replace(owner: object, name: string, value: (...args: never[]) => unknown): void {
    restores.push(replaceProperty(owner, name, value));
  }

  try {
    replace(performance, "now", () => scheduler.nowMs);
    replace(Date, "now", () => Math.floor(1_700_000_000_000 + scheduler.nowMs));
    replace(Math, "random", random.fraction);
    replace(crypto, "randomUUID", () => hexOf(random, 16));
    replace(crypto, "getRandomValues", (bytes: Uint8Array) => fillRandomly(random, bytes));
    replace(globalThis, "setTimeout", (run: () => void, ms = 0) =>
      scheduler.after(ms, scheduler.running, run),
    );
    replace(globalThis, "clearTimeout", cancel);
    replace(globalThis, "setImmediate", (run: () => void) => scheduler.after(0, scheduler.running, run));
    replace(globalThis, "setInterval", () => {
      throw new Error("the simulation has no setInterval: add it to virtual-globals.ts");
    });
    return simulate();
  } finally {
    for (const restore of restores.reverse()) restore();
  }
}

function cancel(timer: ScheduledEvent | undefined): void {
  if (timer !== undefined) timer.isCancelled = true;
}

function fillRandomly(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = random.integer(0, 255);
  return bytes;
}

/** Returns this many random bytes in hexadecimal. */
export function hexOf(random: SeededRandom, bytes: number): string {
  return Array.from({ length: bytes }, () => random.integer(0, 255).toString(16).padStart(2, "0")).join("");
}
