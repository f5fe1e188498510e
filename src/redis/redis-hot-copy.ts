import type { Redis } from "ioredis";
import type { HotCopy, HotPurged, HotRead } from "../coherence/hot-copy.ts";
import { HotCopyUnavailable } from "../errors.ts";
import { isOfAnotherType, isRedirection } from "./failures.ts";
import { freshToken } from "./fresh-token.ts";
import type { RedisHotCopyOptions } from "./hot-copy-options.ts";
import { prepareCommand } from "./prepared-command.ts";
import { createRedisHotWrites } from "./redis-hot-write.ts";
import { scripts } from "./scripts.ts";
import { createStaleUsers } from "./stale-users.ts";
import { visitKeys } from "./visit-keys.ts";

type Fields = readonly [epoch: Buffer | null, value: Buffer | null, hasMarkers: Buffer | null];

/** The only command of a hit. It is sent to the master itself, so that it is known which epoch the hash must have. */
const readFields = prepareCommand<Fields>({ name: "hmget", after: ["e", "v", "n"], replyIn: "bytes" });
/** What a session compares with the row. */
const lookFields = prepareCommand<readonly [...Fields, token: Buffer | null, mark: Buffer | null]>({
  name: "hmget",
  after: ["e", "v", "n", "t", "s"],
  replyIn: "bytes",
});
const asksDatabase: HotRead = { state: "ask" };

/**
 * Creates the hot copy in Redis. Each method is a step of ../coherence/DESIGN.md, and most of them are one Lua
 * script.
 */
export function createRedisHotCopy(options: RedisHotCopyOptions): HotCopy {
  const { client, masters, masterOf, epochs, keys, limits, onEvent } = options;
  const staleUsers = createStaleUsers(limits.quarantineMs);

  /** Lifetimes differ a little from user to user, so that a whole population does not expire at once. */
  const valueLife = () => Math.round(limits.ttlMs * (0.9 + 0.2 * Math.random()));

  function failed(key: string, error: unknown): void {
    // Something else has written the key. This says nothing about Redis.
    if (isOfAnotherType(error)) return void purgeKey(key).catch(() => {});
    onEvent("unreachable");
    epochs.reportFailure(masterOf(key), error);
  }

  const writes = createRedisHotWrites({ ...options, staleUsers, valueLife, failed });

  /** Returns the master that holds the key, if it is connected. */
  function connectedMaster(key: string): Redis | null {
    const master = masterOf(key);
    return master !== null && epochs.isConnected(master) ? master : null;
  }

  function believable(master: Redis, [epoch, value, hasMarkers]: Fields): string | null {
    const isBelievable = epoch && value && !hasMarkers && epochs.isEpochOf(master, epoch);
    return isBelievable ? value.toString() : null;
  }

  async function askScript(key: string): Promise<HotRead> {
    const answer = await scripts.readHash(client, key, freshToken(), limits.tokenMs);
    if (answer[0] === "hit") return { state: "hit", value: answer[1] };
    if (answer[0] === "stale") return { state: "stale", clear: clearOf(key, answer[1]) };
    if (answer[0] === "ask") {
      onEvent("marker");
      return asksDatabase;
    }
    const [, token, epoch] = answer;
    // This is decided before the database is asked, since the row may change once more during the grace.
    if (!epochs.isFillable(epoch)) return asksDatabase;
    return { state: "miss", fill: fillOf(key, epoch, token) };
  }

  function clearOf(key: string, mark: string) {
    return async () =>
      void (await scripts.clearStale(client, key, mark).catch((error) => failed(key, error)));
  }

  function fillOf(key: string, epoch: string, token: string) {
    return async (value: string) => {
      try {
        const stored = await scripts.fillHash(client, key, epoch, token, value, valueLife());
        onEvent(stored === 1 ? "fill" : "fill refused");
      } catch (error) {
        failed(key, error);
      }
    };
  }

  /** Adds the stale mark that this process remembers. A lookup that reads the row then clears it. */
  function withOwnMark(loginId: string, read: HotRead): HotRead {
    if (read.state === "hit") staleUsers.forget(loginId);
    else if (staleUsers.has(loginId, null)) {
      const clear = read.state === "stale" ? read.clear : async () => {};
      return { state: "stale", clear: () => clear().then(() => staleUsers.forget(loginId)) };
    }
    return read;
  }

  /** READ, for what a plain HMGET could not answer. */
  async function readByScript(loginId: string, key: string, master: Redis): Promise<HotRead> {
    // The script trusts the server that runs it, which may have ceased to be a master while this process stood still.
    if (!epochs.isLive(master)) {
      onEvent("bypassed");
      return withOwnMark(loginId, asksDatabase);
    }
    try {
      const read = await askScript(key);
      onEvent(read.state);
      return withOwnMark(loginId, read);
    } catch (error) {
      failed(key, error);
      return withOwnMark(loginId, asksDatabase);
    }
  }

  async function purgeKey(key: string): Promise<HotPurged> {
    const held = await scripts.purgeHash(client, key, freshToken(), limits.tokenMs);
    if (held === 2) onEvent("stray removed");
    return { isLocked: held === 3 };
  }

  /** Purges the hashes whose keys match a pattern of SCAN and are accepted by `isMeant`. */
  async function purgeMatching(match: string, isMeant: (key: string) => boolean): Promise<void> {
    try {
      for (const master of masters()) {
        if (master === null) throw new HotCopyUnavailable();
        await visitKeys(master, match, async (key) => {
          if (isMeant(key)) await purgeKey(key);
        });
      }
    } catch {
      throw new HotCopyUnavailable();
    }
  }

  return {
    async peek(loginId) {
      const key = keys.user(loginId);
      const master = connectedMaster(key);
      if (master === null) return null;
      try {
        return believable(master, await readFields(master, key));
      } catch (error) {
        if (!isRedirection(error)) failed(key, error);
        return null;
      }
    },

    async read(loginId) {
      const key = keys.user(loginId);
      const master = connectedMaster(key);
      if (master === null) {
        onEvent("bypassed");
        return withOwnMark(loginId, asksDatabase);
      }
      try {
        const value = believable(master, await readFields(master, key));
        if (value !== null) {
          onEvent("hit");
          return withOwnMark(loginId, { state: "hit", value });
        }
      } catch (error) {
        if (!isRedirection(error)) {
          failed(key, error);
          return withOwnMark(loginId, asksDatabase);
        }
      }
      return readByScript(loginId, key, master);
    },

    async look(loginId) {
      const key = keys.user(loginId);
      const master = connectedMaster(key);
      try {
        if (master === null) return { held: null, isStale: staleUsers.has(loginId, null) };
        const [epoch, value, hasMarkers, token, mark] = await lookFields(master, key);
        const believed = believable(master, [epoch, value, hasMarkers]);
        const held =
          believed === null || token === null ? null : { value: believed, token: token.toString() };
        return { held, isStale: mark !== null || staleUsers.has(loginId, epochs.epochOf(master)) };
      } catch (error) {
        if (!isRedirection(error)) failed(key, error);
        return { held: null, isStale: staleUsers.has(loginId, null) };
      }
    },

    async inspect(loginId) {
      const key = keys.user(loginId);
      try {
        const [[value = null, mark], life] = await Promise.all([
          client.hmget(key, "v", "s"),
          client.pttl(key),
        ]);
        return { value, isStale: mark !== null, expiresInMs: life < 0 ? null : life };
      } catch (error) {
        failed(key, error);
        throw new HotCopyUnavailable();
      }
    },

    markStale: writes.markStale,
    begin: writes.begin,

    async purge(loginId) {
      const key = keys.user(loginId);
      try {
        return await purgeKey(key);
      } catch (error) {
        failed(key, error);
        throw new HotCopyUnavailable();
      }
    },

    purgeSpellings(loginId) {
      const meant = keys.user(loginId).toLowerCase();
      return purgeMatching(keys.everySpellingOf(loginId), (key) => key.toLowerCase() === meant);
    },

    purgeAll: () => purgeMatching(keys.everyUser, () => true),
  } satisfies HotCopy;
}
