import type { Kind } from "./client.ts";
import type { History } from "./history.ts";
import { createRandom } from "./random.ts";
import type { Sidecar } from "./sidecar.ts";
import type { World } from "./world.ts";

export interface LoadOptions {
  /** The default is all sidecars of the world. */
  readonly sidecars?: readonly Sidecar[];
  readonly loginIds?: readonly string[];
  readonly history: History;
  /** Each client has at most one request in flight. */
  readonly clients: number;
  readonly ratePerSecond: number;
  /** The shares of `set` and of `session`. The remaining requests are `get`. */
  readonly sets: number;
  readonly sessions?: number;
  /** Without limits, the load lasts until it is stopped. */
  readonly secondsMax?: number;
  readonly operationsMax?: number;
}

export interface Load {
  /** Sends no more requests, and resolves when those in flight have been answered. */
  stop(): Promise<void>;
  /** Resolves when the time is over or the number of operations is reached. */
  readonly done: Promise<void>;
}

/** Sends requests of random kinds for random users to random sidecars, and records them. */
export function startLoad(world: Pick<World, "sidecars" | "site">, options: LoadOptions): Load {
  const { clients, ratePerSecond } = options;
  const { secondsMax = Number.POSITIVE_INFINITY, operationsMax = Number.POSITIVE_INFINITY } = options;
  const random = createRandom(clients * 7919 + Math.floor(ratePerSecond));
  const pauseMs = (clients / ratePerSecond) * 1000;
  const deadline = performance.now() + secondsMax * 1000;
  let isStopped = false;
  let sent = 0;

  async function runClient(number: number): Promise<void> {
    let next = performance.now() + (number / clients) * pauseMs;
    while (!isStopped && performance.now() < deadline && sent < operationsMax) {
      const wait = next - performance.now();
      if (wait > 1) await Bun.sleep(wait);
      if (isStopped) return;
      sent += 1;
      await sendOne(world, options, random);
      next = Math.max(next + pauseMs, performance.now() - pauseMs);
    }
  }

  const done = Promise.all(Array.from({ length: clients }, (_, number) => runClient(number))).then(() => {});
  return {
    done,
    async stop() {
      isStopped = true;
      await done;
    },
  };
}

async function sendOne(
  world: Pick<World, "sidecars" | "site">,
  options: LoadOptions,
  random: () => number,
): Promise<void> {
  const { sidecars = world.sidecars, loginIds = world.site.loginIds, history, sets, sessions = 0 } = options;
  const sidecar = sidecars[Math.floor(random() * sidecars.length)];
  const loginId = loginIds[Math.floor(random() * loginIds.length)];
  if (sidecar === undefined || loginId === undefined) throw new Error("a load needs sidecars and users");
  const dice = random();
  const kind: Kind = dice < sets ? "set" : dice < sets + sessions ? "session" : "get";
  await history[kind](sidecar, loginId);
}

/** Returns the number below which this share of the numbers lies, or 0 if there are none. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

/**
 * Repeats a check until it returns true. Returns how many milliseconds that took.
 *
 * @throws {Error} it did not within `limitMs`
 */
export async function untilTrue(
  what: string,
  ask: () => Promise<boolean>,
  { limitMs = 15_000, everyMs = 20 } = {},
): Promise<number> {
  const startedAt = performance.now();
  while (!(await ask())) {
    if (performance.now() - startedAt > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await Bun.sleep(everyMs);
  }
  return performance.now() - startedAt;
}

/** Waits until every sidecar has answered a `set` with 204, and returns how many milliseconds that took. */
export async function untilSetsSucceed({ sidecars, site }: World, history: History): Promise<number> {
  const waits = sidecars.map((sidecar) =>
    untilTrue(
      "a set answers 204",
      async () => (await history.set(sidecar, site.probeLoginId)).status === 204,
    ),
  );
  return Math.max(...(await Promise.all(waits)));
}
