import type { Redis } from "ioredis";
import { HotCopyUnavailable } from "../../src/errors.ts";
import { type Explanation, explainRedisFailure, isOfAnotherType } from "../../src/redis/failures.ts";
import type { HotCopyEvent, HotCopyLimits } from "../../src/redis/hot-copy-options.ts";
import { explainAnothers } from "../../src/redis/installation.ts";
import { openRedisKeyspace, type RedisKeyspaceOptions } from "../../src/redis/keyspace.ts";
import { createRedisHotCopy } from "../../src/redis/redis-hot-copy.ts";
import type { Patience } from "./patience.ts";

export interface RedisPopulationOptions extends Omit<RedisKeyspaceOptions, "tokenMs"> {
  readonly limits: HotCopyLimits;
  readonly patience: Patience;
}

/**
 * A value that sidecars return for a lookup at this moment. Between two observations with the same lease token, no
 * write began.
 */
export interface Observation {
  readonly value: string;
  readonly token: string;
}

export type RedisPopulation = ReturnType<typeof openRedisPopulation>;

const pollMs = 50;

/**
 * Opens the hashes of all users, for the commands that visit every one of them. A sidecar asks the database while
 * Redis is away; these commands wait for Redis, and fail if it does not return. The hot copy itself does not wait.
 */
export function openRedisPopulation(options: RedisPopulationOptions) {
  const { connection, keyPrefix, installation, limits, graceMs, patience } = options;
  const { tokenMs } = limits;
  const keyspace = openRedisKeyspace({ connection, keyPrefix, installation, graceMs, tokenMs });
  const { client, masters, masterOf, keys, epochs } = keyspace;
  void epochs.start();

  /** Returns the error that tells the operator why Redis cannot be used. */
  function unavailable(): HotCopyUnavailable {
    return new HotCopyUnavailable(keyspace.problem()?.reason);
  }

  /** @throws {HotCopyUnavailable} not all masters answer */
  async function verifyConnection(): Promise<void> {
    if (!epochs.areAllLive()) throw unavailable();
  }

  /** Repeats the question while masters are away or do not answer. */
  function retry<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    return patience.retry(async () => {
      await verifyConnection();
      try {
        return await ask();
      } catch (error) {
        if (error instanceof HotCopyUnavailable) throw error;
        throw new HotCopyUnavailable(explainRedisFailure(error).reason);
      }
    });
  }

  async function observeOne(key: string): Promise<Observation | null> {
    const master = masterOf(key);
    if (master === null) throw unavailable();
    const fields = await master.hmgetBuffer(key, "e", "v", "n", "t").catch((error: Error) => {
      if (saysThatNoneIsThere(error)) return [];
      epochs.forget(master);
      throw error;
    });
    const [epoch, value, hasMarkers, token] = fields;
    if (!epochs.isLive(master)) throw unavailable();
    if (!epoch || !value || hasMarkers || !epochs.isEpochOf(master, epoch)) return null;
    return { value: value.toString(), token: token?.toString("latin1") ?? "" };
  }

  async function* scanMaster(master: Redis, pageSize: number): AsyncGenerator<readonly string[]> {
    const prefixLength = keys.user("").length;
    let cursor = "0";
    do {
      const ask = () => master.scan(cursor, "MATCH", keys.everyUser, "COUNT", pageSize);
      const [next, found] = await retry(ask);
      cursor = next;
      yield found.map((key) => key.slice(prefixLength));
    } while (cursor !== "0");
  }

  /** Returns all masters, each with its epoch. */
  const everyMaster = async () =>
    masters().map((master) => {
      const epoch = epochs.epochOf(master);
      if (master === null || epoch === null) throw unavailable();
      return { master, epoch };
    });

  return {
    /** The port that sidecars use. `onEvent` is told where each answer came from, since not every answer reveals it. */
    hotCopy: (onEvent: (event: HotCopyEvent) => void = () => {}) =>
      createRedisHotCopy({ ...keyspace, limits, onEvent }),

    verifyConnection,

    /** Returns the error for a command of the hot copy that Redis did not answer. */
    unavailable,

    /** Returns why these keys belong to another installation, or `null`. */
    async conflict(): Promise<Explanation | null> {
      const orOfAnotherType = (error: Error) => {
        if (isOfAnotherType(error)) return "";
        throw error;
      };
      const held = await retry(() => client.get(keys.installation).catch(orOfAnotherType));
      return held === null || held === installation ? null : explainAnothers(keys.installation);
    },

    /**
     * Waits until the grace is over, within which nothing may be filled. `say` is called if that takes time.
     *
     * @throws {HotCopyUnavailable} not all masters answer, or they do not record since when they are known
     */
    async untilFilling(say: () => void): Promise<void> {
      await verifyConnection();
      if (epochs.isFilling()) return;
      say();
      const deadline = performance.now() + graceMs + patience.limitMs;
      while (!epochs.isFilling()) {
        if (performance.now() > deadline) throw unavailable();
        await Bun.sleep(pollMs);
      }
    },

    /** Returns the epochs of all masters. While they are the same, everything that was filled is believed. */
    async identity(): Promise<string> {
      const all = await retry(everyMaster);
      return all
        .map(({ epoch }) => epoch)
        .sort()
        .join(" ");
    },

    /** Returns the number of keys, including others; `null` if this account may not ask. */
    async size(): Promise<number | null> {
      const sizes = (await retry(everyMaster)).map(({ master }) => master.dbsize());
      return Promise.all(sizes).then(
        (all) => all.reduce((sum, size) => sum + size, 0),
        () => null,
      );
    },

    /** Returns for each login id what its hash holds, or `null` if sidecars would ask the database. Changes nothing. */
    observe: (loginIds: readonly string[]) =>
      retry(() => Promise.all(loginIds.map((loginId) => observeOne(keys.user(loginId))))),

    /** Returns the login ids whose key is not a hash, because something else has written it. */
    async ofAnotherType(loginIds: readonly string[]): Promise<readonly string[]> {
      const isStray = (loginId: string) =>
        client.hmget(keys.user(loginId), "e").then(() => false, isOfAnotherType);
      const strays = await retry(() => Promise.all(loginIds.map(isStray)));
      return loginIds.filter((_, index) => strays[index]);
    },

    /**
     * Yields the login ids of all hashes, page by page. Some may come twice, and none is missed that exists
     * throughout.
     */
    async *loginIds(pageSize: number): AsyncGenerator<readonly string[]> {
      for (const { master } of await retry(everyMaster)) yield* scanMaster(master, pageSize);
    },

    close: () => keyspace.close(),
  };
}

/** Returns whether the key is not a hash, or its slot is moving to another master. Sidecars ask the database then. */
function saysThatNoneIsThere(error: Error): boolean {
  return /^(?:WRONGTYPE|MOVED|ASK) /.test(error.message);
}
