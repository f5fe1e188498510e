import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { createEpochAges } from "./epoch-ages.ts";
import { type Explanation, explainRedisFailure, isRefusal } from "./failures.ts";
import type { Keys } from "./keys.ts";
import type { RedisConnectionOptions } from "./options.ts";
import { explainRole, infoField } from "./role.ts";

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

/** What a master has answered, until it must be asked again. */
interface Answer {
  readonly epoch: string;
  /** The same as a hash holds it, which every hit compares. */
  readonly bytes: Buffer;
  readonly validUntil: number;
}

export type RedisEpochs = ReturnType<typeof createRedisEpochs>;

const askEveryMs = 1000;
/** How long a refusal counts as the state of Redis, unless another one follows. */
const refusalMs = 5 * askEveryMs;
/** How soon a master is asked again while one is away or an epoch is not recorded. */
const retryEveryMs = 100;
/** How long an answer counts. A process that stood still for longer must ask again. */
const validMs = 2 * askEveryMs;
const dayMs = 86_400_000;

/**
 * Maintains the epoch of each live master, in hex. A hash is believed only if it has the epoch of the master that holds it. A
 * master that was restored from a snapshot, a promoted replica that had lagged, and a hash that was moved by
 * resharding have another one.
 *
 * Each master is asked at every new connection and once a second. Its answer is dropped as soon as the connection
 * ends or falls silent.
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
  /** What each master has answered on its present connection. */
  const live = new Map<Redis, Answer>();
  /** The question that each master was asked last. Only its answer counts. */
  const latestQuestions = new WeakMap<Redis, object>();
  const ages = createEpochAges({
    record: (epoch) => recordEpoch(keys.epoch(epoch), dayMs),
    graceMs,
  });
  /** The epoch of the server that the address led to last, if one server holds all keys. */
  let latest: string | null = null;
  let known: readonly (Redis | null)[] = [];
  let problem: Explanation | null = null;
  /**
   * Until this instant, `problem` says why the server is of the wrong kind. The connection was closed for that
   * reason.
   */
  let isMisplacedUntil = Number.NEGATIVE_INFINITY;
  let refused: (Explanation & { readonly until: number }) | null = null;
  let isStopped = false;
  let wake = () => {};
  const lossListeners: (() => void)[] = [];
  const firstContact = Promise.withResolvers<void>();

  function validAnswerOf(master: Redis | null): Answer | null {
    const answer = master === null ? undefined : live.get(master);
    return answer !== undefined && performance.now() < answer.validUntil ? answer : null;
  }

  const isLive = (master: Redis | null) => validAnswerOf(master) !== null;

  function drop(master: Redis): void {
    if (live.delete(master)) for (const listener of lossListeners) listener();
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

  async function informationOf(master: Redis): Promise<string> {
    try {
      return await master.info("server", "replication");
    } catch (error) {
      // If the peer has vanished, the connection would stay silent for as long as TCP keeps it.
      if (!isRefusal(error)) master.disconnect(true);
      throw error;
    }
  }

  /**
   * Returns the epoch, or `null` if the server must not hold keys. It is then disconnected, so that the next
   * connection may lead to one that may.
   */
  async function examine(master: Redis): Promise<string | null> {
    const info = await informationOf(master);
    const misplaced = explainRole(info, mode);
    if (misplaced !== null) {
      problem = misplaced;
      isMisplacedUntil = performance.now() + refusalMs;
      master.disconnect(true);
      return null;
    }
    const epoch = epochIn(info, installation);
    await observe(master, epoch);
    return epoch;
  }

  async function askMaster(master: Redis): Promise<void> {
    const question = {};
    latestQuestions.set(master, question);
    const validUntil = performance.now() + validMs;
    const epoch = await examine(master).catch((error: Error) => {
      problem = explainRedisFailure(error);
      return null;
    });
    if (latestQuestions.get(master) !== question) return;
    if (epoch === null) drop(master);
    else {
      problem = null;
      live.set(master, { epoch, bytes: Buffer.from(epoch, "hex"), validUntil });
    }
  }

  async function pollMasters(): Promise<void> {
    while (!isStopped) {
      known = masters();
      for (const master of live.keys()) if (!known.includes(master)) drop(master);
      ages.retry();
      await Promise.all(known.map((master) => master && askMaster(master)));
      if (live.size > 0) firstContact.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, areAllLive() && ages.areRecorded() ? askEveryMs : retryEveryMs);
      wake = resolve;
      await promise;
      clearTimeout(timer);
    }
  }

  function forget(master: Redis): void {
    drop(master);
    latestQuestions.delete(master);
    wake();
  }

  /**
   * The grace of one epoch applies to all: the marker of a writer may have been lost with another master before its
   * hash was moved to this one.
   */
  function isFillable(epoch: string): boolean {
    return ages.has(epoch) && isFilling();
  }

  const isFilling = () => areAllLive() && ages.areRecorded() && ages.isGraceOver();
  const areAllLive = () => known.length > 0 && known.every(isLive);

  return {
    /** Starts to poll. Resolves at the first contact with a master. */
    start(): Promise<void> {
      void pollMasters();
      return firstContact.promise;
    },

    stop(): void {
      isStopped = true;
      wake();
    },

    /** Calls back whenever a master that had answered is no longer connected or no longer a master. */
    onLoss(callback: () => void): void {
      lossListeners.push(callback);
    },

    /**
     * Drops a master's answer because its connection has ended or begun. It is not believed until it has answered
     * again.
     */
    forget,

    /**
     * Reports a failed command. If Redis itself refused it, `refusal` returns the reason for the next few seconds.
     * Otherwise the master that holds the key is not believed until it has answered again.
     */
    reportFailure(master: Redis | null, error: unknown): void {
      if (isRefusal(error)) refused = { ...explainRedisFailure(error), until: performance.now() + refusalMs };
      else if (master !== null) forget(master);
    },

    /** Returns the epoch of a live master, and `null` for any other. */
    epochOf: (master: Redis | null) => validAnswerOf(master)?.epoch ?? null,

    /** Returns whether the master is live and has this epoch, as a hash holds it: in bytes. */
    isEpochOf: (master: Redis, bytes: Buffer) => validAnswerOf(master)?.bytes.equals(bytes) === true,

    /**
     * Returns whether the master has answered on its present connection. It may be asked then, but not necessarily
     * believed.
     */
    isConnected: (master: Redis) => live.has(master),

    /** Returns the number of live masters. */
    liveCount: () => [...live.keys()].filter(isLive).length,

    /** Returns how many epochs have been seen since the start: one for each master, and one more for each restart. */
    seenCount: ages.count,

    /** Returns whether any master is live. */
    isAnyLive: () => [...live.keys()].some(isLive),

    /** Returns whether all masters are live. */
    areAllLive,

    /**
     * Returns whether hashes of this epoch may be filled: it has been seen, all masters are live, and every
     * grace is over.
     */
    isFillable,

    /** Returns whether all masters are live and every grace is over. */
    isFilling,

    /**
     * Returns when the youngest epoch was first seen by any sidecar, in milliseconds since the Unix epoch; `null`
     * before the first contact.
     */
    firstSeenAtMs: ages.youngestSeenAtMs,

    /** Returns why the last question failed. */
    lastProblem: () => problem,

    /**
     * Returns why the server that answered recently is of the wrong kind (a replica, a sentinel, a node of a
     * Cluster), or `null`.
     */
    misplacement: () => (performance.now() < isMisplacedUntil ? problem : null),

    /** Returns why Redis refuses to record an epoch, or has refused another command recently; otherwise `null`. */
    refusal(): Explanation | null {
      const refusedRecord = ages.failures().find(isRefusal);
      if (refusedRecord !== undefined) return explainRedisFailure(refusedRecord);
      if (refused === null || performance.now() >= refused.until) return null;
      const { reason, fix } = refused;
      return { reason, fix };
    },

    /** Returns whether this master is live and may be believed. */
    isLive,
  };
}

/** Computes the epoch like `epoch()` of lua/shared.lua, without a script. */
function epochIn(info: string, installation: string): string {
  const identity = `${infoField(info, "run_id")}:${infoField(info, "master_replid")}${installation}`;
  return createHash("sha1").update(identity).digest("hex").slice(0, 16);
}
