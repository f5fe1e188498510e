import type { Redis } from "ioredis";
import { createEpochAges } from "./epoch-ages.ts";
import { askEpoch } from "./epoch-question.ts";
import { type Explanation, explainRedisFailure, isRefusal } from "./failures.ts";
import type { Keys } from "./keys.ts";
import type { RedisConnectionOptions } from "./options.ts";
import { createRecentProblems } from "./recent-problems.ts";

export interface RedisEpochsOptions {
  /** Returns the masters that hold the keys; `null` for each without a connection. */
  readonly masters: () => readonly (Redis | null)[];
  /** Records an epoch where all sidecars find it. Returns for how many milliseconds it has been recorded. */
  readonly recordEpoch: (key: string, keepMs: number) => Promise<number>;
  /** Makes a master forget what it held before its address led to another one. */
  readonly forgetAll: (master: Redis, epoch: string) => Promise<void>;
  readonly keys: Keys;
  /** `COHERENCE_GRACE_MS`. */
  readonly graceMs: number;
  readonly mode: RedisConnectionOptions["mode"];
  /** In hex. It is part of every epoch, so that no installation believes what another one has written. */
  readonly installation: string;
}

/** The epochs of the masters, in hex. A master is live if it has answered recently on its present connection. */
export interface RedisEpochs {
  /** Starts to poll. Resolves at the first contact with a master. */
  start(): Promise<void>;
  stop(): void;

  /** Calls back whenever a master that had answered is no longer connected or no longer a master. */
  onLoss(callback: (master: Redis) => void): void;
  /** Drops a master's answer because its connection has ended or begun. It is not live until it has answered again. */
  forget(master: Redis): void;
  /**
   * Reports a failed command. If Redis itself refused it, `refusal` returns the reason for the next few seconds.
   * Otherwise the master that holds the key is not live until it has answered again.
   */
  reportFailure(master: Redis | null, error: unknown): void;

  /**
   * Returns whether the master has answered on its present connection, however long ago. It may be asked then, but not
   * necessarily believed.
   */
  isConnected(master: Redis): boolean;
  isLive(master: Redis | null): boolean;
  isAnyLive(): boolean;
  areAllLive(): boolean;
  /** Returns the number of live masters. */
  liveCount(): number;

  /** Returns the epoch of a live master, and `null` for any other. */
  epochOf(master: Redis | null): string | null;
  /** Returns whether the master is live and has this epoch, as a hash holds it: in bytes. */
  isEpochOf(master: Redis, bytes: Buffer): boolean;
  /** Returns how many epochs have been seen since the start: one for each master, and one more for each restart. */
  seenCount(): number;
  /**
   * Returns when the youngest epoch was first seen by any sidecar, in milliseconds since the Unix epoch; `null` before
   * the first contact.
   */
  firstSeenAtMs(): number | null;

  /** Returns whether all masters are live and every grace is over. */
  isFilling(): boolean;
  /** Returns whether hashes of this epoch may be filled: it has been seen, and `isFilling` is true. */
  isFillable(epoch: string): boolean;

  /** Returns why a master was last asked for its epoch in vain, or `null` if the last question was answered. */
  lastProblem(): Explanation | null;
  /**
   * Returns why the server that answered recently is of the wrong kind (a replica, a sentinel, a node of a Cluster), or
   * `null`. Its connection was closed for that reason.
   */
  misplacement(): Explanation | null;
  /** Returns why Redis refuses to record an epoch, or has refused another command recently; otherwise `null`. */
  refusal(): Explanation | null;
}

/** What a master has answered, until it must be asked again. */
interface Answer {
  readonly epoch: string;
  /** The same as a hash holds it, which every hit compares. */
  readonly bytes: Buffer;
  readonly validUntil: number;
}

const askEveryMs = 1000;
/** How soon a master is asked again while one is away or an epoch is not recorded. */
const retryEveryMs = 100;
/** How long an answer counts. A process that stood still for longer must ask again. */
const validMs = 2 * askEveryMs;
const dayMs = 86_400_000;

/**
 * Maintains the epoch of each live master. A hash is believed only if it has the epoch of the master that holds it. A
 * master that was restored from a snapshot, a promoted replica that had lagged, and a hash that was moved by
 * resharding have another one.
 *
 * Each master is asked at every new connection and once a second. Its answer is dropped as soon as the connection
 * ends or falls silent.
 */
export function createRedisEpochs(options: RedisEpochsOptions): RedisEpochs {
  const { masters, recordEpoch, forgetAll, keys, graceMs, mode, installation } = options;
  /** What each master has answered on its present connection. */
  const answers = new Map<Redis, Answer>();
  /** The question that each master was asked last. Only its answer counts. */
  const latestQuestions = new WeakMap<Redis, object>();
  const ages = createEpochAges({ record: (epoch) => recordEpoch(keys.epoch(epoch), dayMs), graceMs });
  const problems = createRecentProblems();
  /** The epoch of the server that the address led to last, if one server holds all keys. */
  let latest: string | null = null;
  let known: readonly (Redis | null)[] = [];
  let isStopped = false;
  let wake = () => {};
  const lossListeners: ((master: Redis) => void)[] = [];
  const firstContact = Promise.withResolvers<void>();

  function validAnswerOf(master: Redis | null): Answer | null {
    const answer = master === null ? undefined : answers.get(master);
    return answer !== undefined && performance.now() < answer.validUntil ? answer : null;
  }

  const isLive = (master: Redis | null) => validAnswerOf(master) !== null;
  const areAllLive = () => known.length > 0 && known.every(isLive);
  // The grace of one epoch applies to all: the marker of a writer may have been lost with another master before its
  // hash was moved to this one.
  const isFilling = () => areAllLive() && ages.areRecorded() && ages.isGraceOver();

  function drop(master: Redis): void {
    if (answers.delete(master)) for (const listener of lossListeners) listener(master);
  }

  function forget(master: Redis): void {
    drop(master);
    latestQuestions.delete(master);
    wake();
  }

  /**
   * Records that a live master has this epoch. If it returns after another epoch without a restart, users have been
   * written elsewhere in between, so it is treated as new.
   */
  async function observe(master: Redis, epoch: string): Promise<void> {
    const isBack = mode !== "cluster" && ages.has(epoch) && latest !== epoch;
    if (isBack) {
      await forgetAll(master, epoch);
      ages.startAnew(epoch);
    }
    latest = epoch;
    await ages.see(epoch);
  }

  async function askMaster(master: Redis): Promise<void> {
    const question = {};
    latestQuestions.set(master, question);
    const validUntil = performance.now() + validMs;
    try {
      const epoch = await askEpoch(master, mode, installation);
      await observe(master, epoch);
      if (latestQuestions.get(master) !== question) return;
      problems.answered();
      answers.set(master, { epoch, bytes: Buffer.from(epoch, "hex"), validUntil });
    } catch (error) {
      problems.questionFailed(error);
      if (latestQuestions.get(master) === question) drop(master);
    }
  }

  async function pollMasters(): Promise<void> {
    while (!isStopped) {
      known = masters();
      for (const master of answers.keys()) if (!known.includes(master)) drop(master);
      ages.retry();
      await Promise.all(known.map((master) => master && askMaster(master)));
      if (answers.size > 0) firstContact.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, areAllLive() && ages.areRecorded() ? askEveryMs : retryEveryMs);
      wake = resolve;
      await promise;
      clearTimeout(timer);
    }
  }

  return {
    start() {
      void pollMasters();
      return firstContact.promise;
    },

    stop() {
      isStopped = true;
      wake();
    },

    onLoss: (callback) => void lossListeners.push(callback),
    forget,

    reportFailure(master, error) {
      if (isRefusal(error)) problems.refused(error);
      else if (master !== null) forget(master);
    },

    isConnected: (master) => answers.has(master),
    isLive,
    isAnyLive: () => [...answers.keys()].some(isLive),
    areAllLive,
    liveCount: () => [...answers.keys()].filter(isLive).length,

    epochOf: (master) => validAnswerOf(master)?.epoch ?? null,
    isEpochOf: (master, bytes) => validAnswerOf(master)?.bytes.equals(bytes) === true,
    seenCount: ages.count,
    firstSeenAtMs: ages.youngestSeenAtMs,

    isFilling,
    isFillable: (epoch) => ages.has(epoch) && isFilling(),

    lastProblem: problems.failedQuestion,
    misplacement: problems.misplacement,

    refusal() {
      const refusedRecord = ages.failures().find(isRefusal);
      return refusedRecord === undefined ? problems.refusal() : explainRedisFailure(refusedRecord);
    },
  };
}
