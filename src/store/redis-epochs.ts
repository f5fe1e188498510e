import type { Redis } from "ioredis";
import type { Keys } from "./keys.ts";

export interface RedisEpochsOptions {
  /** The masters that the client is connected to now. */
  readonly masters: () => readonly Redis[];
  /** Records an epoch where all sidecars find it, and answers for how many milliseconds it has been known. */
  readonly recordEpoch: (key: string, keepMs: number) => Promise<number>;
  readonly keys: Keys;
  /** G, in milliseconds. */
  readonly graceMs: number;
}

export type RedisEpochs = ReturnType<typeof createRedisEpochs>;

const askEveryMs = 1000;
/** While no master is known, it is asked again this soon. */
const retryEveryMs = 100;
/** An answer older than this counts no more: a process that was stopped for a while must ask first. */
const validMs = 2 * askEveryMs;
const dayMs = 86_400_000;

/**
 * Knows the epochs of the live masters. A hash is believed only if it bears one of them: one that came back
 * with a snapshot, or was carried on by a replica that lagged behind, bears another.
 *
 * Asked at every new connection and once a second; forgotten as soon as a connection ends or falls silent.
 */
export function createRedisEpochs({ masters, recordEpoch, keys, graceMs }: RedisEpochsOptions) {
  /** By epoch: from when on, on this process's own clock, its hashes may be filled. */
  let live = new Map<string, number>();
  /** The same for every epoch met so far, so that each is recorded once. */
  const fillableFrom = new Map<string, number>();
  let validUntil = 0;
  let firstMetAtMs: number | null = null;
  let disturbances = 0;
  let isStopped = false;
  let wake = () => {};
  const firstContact = Promise.withResolvers<void>();

  async function meet(epoch: Buffer): Promise<number> {
    const name = epoch.toString("latin1");
    const known = fillableFrom.get(name);
    if (known !== undefined) return known;
    const ageMs = await recordEpoch(keys.epoch(epoch), dayMs);
    const from = performance.now() + Math.max(0, graceMs - ageMs);
    fillableFrom.set(name, from);
    firstMetAtMs = Math.max(firstMetAtMs ?? 0, Date.now() - ageMs);
    return from;
  }

  async function askOne(master: Redis): Promise<[string, number] | null> {
    const [epoch, role] = await master.readEpochBuffer();
    if (role.toString("latin1") !== "master") {
      master.disconnect(true);
      return null;
    }
    return [epoch.toString("latin1"), await meet(epoch).catch(() => Number.POSITIVE_INFINITY)];
  }

  async function ask(): Promise<void> {
    const askedAt = performance.now();
    const disturbancesBefore = disturbances;
    const answers = await Promise.allSettled(masters().map(askOne));
    if (disturbances !== disturbancesBefore) return;
    live = new Map(
      answers.flatMap((answer) => (answer.status === "fulfilled" && answer.value ? [answer.value] : [])),
    );
    validUntil = askedAt + validMs;
    if (live.size > 0) firstContact.resolve();
  }

  async function keepAsking(): Promise<void> {
    while (!isStopped) {
      await ask();
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, live.size > 0 ? askEveryMs : retryEveryMs);
      wake = resolve;
      await promise;
      clearTimeout(timer);
    }
  }

  return {
    /** Begins to ask. Resolves at the first contact with a master. */
    start(): Promise<void> {
      void keepAsking();
      return firstContact.promise;
    },

    stop(): void {
      isStopped = true;
      wake();
    },

    /** A connection has ended or begun, or a master fell silent: nothing is believed until it has been asked. */
    disturb(): void {
      disturbances += 1;
      live.clear();
      wake();
    },

    /** How many masters answer. */
    liveCount: () => (performance.now() < validUntil ? live.size : 0),

    /** Whether any master is known to be there. */
    isAnyLive: () => live.size > 0 && performance.now() < validUntil,

    isLive: (epoch: Buffer) => live.has(epoch.toString("latin1")) && performance.now() < validUntil,

    /** Whether the epoch's grace is over, so that its hashes may be filled. */
    isFillable: (epoch: Buffer) =>
      (fillableFrom.get(epoch.toString("latin1")) ?? Number.POSITIVE_INFINITY) <= performance.now(),

    /** Whether the grace of every live epoch is over. */
    isFilling: () => live.size > 0 && [...live.values()].every((from) => from <= performance.now()),

    /** When the youngest epoch was first met by any sidecar, ms since the Unix epoch; `null` before contact. */
    firstMetAtMs: () => firstMetAtMs,
  };
}
