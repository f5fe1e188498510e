import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { createEpochAges } from "./epoch-ages.ts";
import { type Explanation, explainRedisFailure, isRefusal } from "./failures.ts";
import type { Keys } from "./keys.ts";
import type { RedisConnectionOptions } from "./options.ts";
import { explainRole, infoField } from "./role.ts";

export interface RedisEpochsOptions {
  /** The masters that keep the keys; `null` for each that there is no connection to. */
  readonly masters: () => readonly (Redis | null)[];
  /** Records an epoch where all sidecars find it, and answers for how many milliseconds it has been known. */
  readonly recordEpoch: (key: string, keepMs: number) => Promise<number>;
  /** Makes a master forget what it held before the address led to another one. */
  readonly forgetAll: (master: Redis) => Promise<void>;
  readonly keys: Keys;
  /** G, in milliseconds. */
  readonly graceMs: number;
  readonly mode: RedisConnectionOptions["mode"];
  /** In hex: an epoch is one installation's, so that nobody believes what another one has written. */
  readonly installation: string;
}

export type RedisEpochs = ReturnType<typeof createRedisEpochs>;

const askEveryMs = 1000;
/** A refusal counts as the state of Redis for so long, unless it is followed by another. */
const refusalMs = 5 * askEveryMs;
/** While a master is away, or an epoch is not recorded, they are asked again this soon. */
const retryEveryMs = 100;
/** An answer older than this counts no more: a process that was stopped for a while must ask first. */
const validMs = 2 * askEveryMs;
const dayMs = 86_400_000;

/**
 * Knows the epoch of each live master. A hash is believed only if it bears the epoch of the master that keeps
 * it: one that came back with a snapshot, was carried on by a replica that lagged behind, or was moved here by
 * resharding bears another.
 *
 * Asked at every new connection and once a second; forgotten as soon as a connection ends or falls silent.
 */
export function createRedisEpochs({
  masters,
  recordEpoch,
  forgetAll,
  keys,
  graceMs,
  mode,
  installation,
}: RedisEpochsOptions) {
  /** What each master has answered on the connection that it has now. */
  const live = new Map<Redis, { readonly epoch: Buffer; readonly validUntil: number }>();
  /** The question that each master was asked last: only its answer counts. */
  const questions = new WeakMap<Redis, object>();
  const ages = createEpochAges({
    record: (epoch) => recordEpoch(keys.epoch(Buffer.from(epoch, "hex")), dayMs),
    failed(error) {
      recordRefusal = isRefusal(error) ? explainRedisFailure(error) : null;
    },
    graceMs,
  });
  /** Of the server that the address led to last, where one server keeps all keys. */
  let latest: string | null = null;
  let known: readonly (Redis | null)[] = [];
  let problem: Explanation | null = null;
  /** Until then, the problem is that of the server, not of the connection that was closed for it. */
  let isMisplacedUntil = Number.NEGATIVE_INFINITY;
  let refused: (Explanation & { readonly until: number }) | null = null;
  /** Why the master that keeps the record of an epoch last refused it; counts while an epoch is not recorded. */
  let recordRefusal: Explanation | null = null;
  let isStopped = false;
  let wake = () => {};
  const lossListeners: (() => void)[] = [];
  const firstContact = Promise.withResolvers<void>();

  function isLive(master: Redis | null): boolean {
    return epochOf(master) !== null;
  }

  function epochOf(master: Redis | null): Buffer | null {
    const answer = master === null ? undefined : live.get(master);
    return answer !== undefined && performance.now() < answer.validUntil ? answer.epoch : null;
  }

  function lose(master: Redis): void {
    if (live.delete(master)) for (const listener of lossListeners) listener();
  }

  /** An epoch that is met again after another one, without a restart, is as good as new: others were written to meanwhile. */
  async function meet(master: Redis, epoch: string): Promise<void> {
    const isBack = mode !== "cluster" && ages.has(epoch) && latest !== epoch;
    if (isBack) {
      await forgetAll(master);
      ages.startAnew(epoch);
    }
    latest = epoch;
    await ages.see(epoch);
  }

  async function informationOf(master: Redis): Promise<string> {
    try {
      return await master.info("server", "replication");
    } catch (error) {
      // A connection whose other end has vanished would stay deaf for as long as TCP keeps it.
      if (!isRefusal(error)) master.disconnect(true);
      throw error;
    }
  }

  /** `null`: it keeps no keys for us. It is left, in the hope that the next connection leads to one. */
  async function examine(master: Redis): Promise<Buffer | null> {
    const info = await informationOf(master);
    const misplaced = explainRole(info, mode);
    if (misplaced !== null) {
      problem = misplaced;
      isMisplacedUntil = performance.now() + refusalMs;
      master.disconnect(true);
      return null;
    }
    const epoch = epochIn(info, installation);
    await meet(master, epoch.toString("hex"));
    return epoch;
  }

  async function ask(master: Redis): Promise<void> {
    const question = {};
    questions.set(master, question);
    const validUntil = performance.now() + validMs;
    const epoch = await examine(master).catch((error: Error) => {
      problem = explainRedisFailure(error);
      return null;
    });
    if (questions.get(master) !== question) return;
    if (epoch === null) lose(master);
    else {
      problem = null;
      live.set(master, { epoch, validUntil });
    }
  }

  async function keepAsking(): Promise<void> {
    while (!isStopped) {
      known = masters();
      for (const master of live.keys()) if (!known.includes(master)) lose(master);
      await Promise.all(known.map((master) => master && ask(master)));
      if (live.size > 0) firstContact.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, isWhole() && areRecorded() ? askEveryMs : retryEveryMs);
      wake = resolve;
      await promise;
      clearTimeout(timer);
    }
  }

  function disturb(master: Redis): void {
    lose(master);
    questions.delete(master);
    wake();
  }

  /**
   * The grace of one epoch is that of all: the marker of a writer may have been lost with another master before
   * the hash was moved to this one.
   */
  function isFillable(epochHex: string): boolean {
    return ages.has(epochHex) && isFilling();
  }

  const isFilling = () => isWhole() && areRecorded() && ages.isGraceOver();
  const areRecorded = () => [...live.values()].every(({ epoch }) => ages.isRecorded(epoch.toString("hex")));
  const isWhole = () => known.length > 0 && known.every(isLive);

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

    /** Calls back whenever a master that had answered is no longer connected, or is no master any more. */
    onLoss(callback: () => void): void {
      lossListeners.push(callback);
    },

    /** A master's connection has ended or begun: it is not believed until it has been asked. */
    disturb,

    /**
     * A command has failed. Where Redis itself refused it, that is remembered as its state; otherwise the master
     * that keeps the key, if there is one, is not believed until it has been asked.
     */
    doubt(master: Redis | null, error: unknown): void {
      if (isRefusal(error)) refused = { ...explainRedisFailure(error), until: performance.now() + refusalMs };
      else if (master !== null) disturb(master);
    },

    /** The epoch of a master that is known to be there; `null` of any other. */
    epochOf,

    /** Whether it has answered on the connection that it has now: reason to ask it, not to believe it. */
    isConnected: (master: Redis) => live.has(master),

    /** How many masters answer. */
    liveCount: () => [...live.keys()].filter(isLive).length,

    /** How many epochs have been met since the start: one for each master, and one more for each restart. */
    metCount: ages.count,

    /** Whether any master is known to be there. */
    isAnyLive: () => [...live.keys()].some(isLive),

    /** Whether all of them are. */
    isWhole,

    /** Whether hashes of this epoch, in hex, may be filled: it is known, all masters answer, and every grace is over. */
    isFillable,

    /** Whether the grace of every epoch is over, and all masters answer. */
    isFilling,

    /** When the youngest epoch was first met by any sidecar, ms since the Unix epoch; `null` before contact. */
    firstMetAtMs: ages.youngestSeenAtMs,

    /** What the last question failed with. */
    lastProblem: () => problem,

    /** Why the server that answers is not one to keep keys; `null` if that is not the problem. */
    misplacement: () => (performance.now() < isMisplacedUntil ? problem : null),

    /** Why Redis has refused a command a moment ago; `null` if it does what it is asked. */
    refusal(): Explanation | null {
      if (recordRefusal !== null && !areRecorded()) return recordRefusal;
      if (refused === null || performance.now() >= refused.until) return null;
      const { reason, fix } = refused;
      return { reason, fix };
    },

    /** Whether this master is known to be there, and may be believed. */
    isLive,
  };
}

/** `epoch()` of lua/shared.lua, without a script. */
function epochIn(info: string, installation: string): Buffer {
  const identity = `${infoField(info, "run_id")}:${infoField(info, "master_replid")}${installation}`;
  return createHash("sha1").update(identity).digest().subarray(0, 8);
}
