import type { Cluster, Redis } from "ioredis";
import { HotCopyUnavailable } from "../errors.ts";
import type { HotCopy, HotRead, HotWrite } from "./hot-copy.ts";
import type { Keys } from "./keys.ts";
import { prepareCommand } from "./prepared-command.ts";
import type { RedisEpochs } from "./redis-epochs.ts";
import { isRedirection } from "./redis-failures.ts";
import { scripts } from "./scripts.ts";

export interface HotCopyLimits {
  /** T: how long a value lives, in milliseconds, give or take a tenth; 0 keeps it. */
  readonly valueLifeMs: number;
  /** F: how long a hash lives that holds only a token. */
  readonly tokenLifeMs: number;
  /** Q: how long the marker of a writer stands that never came back. */
  readonly markerLifeMs: number;
}

export type HotCopyEvent =
  | "hit"
  | "miss"
  | "ask"
  | "marker"
  | "bypassed"
  | "fill"
  | "fill refused"
  | "begin"
  | "end failed"
  | "unreachable";

export interface RedisHotCopyOptions {
  readonly client: Redis | Cluster;
  readonly masters: () => readonly (Redis | null)[];
  readonly masterOf: (key: string) => Redis | null;
  readonly epochs: RedisEpochs;
  readonly keys: Keys;
  readonly limits: HotCopyLimits;
  readonly note: (event: HotCopyEvent) => void;
}

type Fields = readonly [epoch: Buffer | null, value: Buffer | null, hasMarkers: Buffer | null];

/** The one command of a hit. Asked of the master itself, so that it is known whose epoch the hash must bear. */
const readFields = prepareCommand<Fields>({ name: "hmget", after: ["e", "v", "n"], replyIn: "bytes" });
const asksDatabase: HotRead = { state: "ask" };
const scanCount = 1000;

/** The hot copy in Redis: each method is one step of this folder's README.md, most of them one Lua script. */
export function createRedisHotCopy(options: RedisHotCopyOptions): HotCopy {
  const { client, masters, masterOf, epochs, keys, limits, note } = options;

  /** A value's life differs a little from user to user, so that a whole population does not expire at once. */
  const valueLife = () => Math.round(limits.valueLifeMs * (0.9 + 0.2 * Math.random()));

  function failed(key: string, error: unknown): void {
    note("unreachable");
    epochs.doubt(masterOf(key), error);
  }

  function believable(master: Redis, [epoch, value, hasMarkers]: Fields): string | null {
    const isBelievable = epoch && value && !hasMarkers && epochs.epochOf(master)?.equals(epoch);
    return isBelievable ? value.toString() : null;
  }

  async function askScript(key: string): Promise<HotRead> {
    const answer = await scripts.readHash(client, key, freshToken(), limits.tokenLifeMs);
    const [, valueOrToken, epoch] = answer;
    if (valueOrToken === undefined) {
      note("marker");
      return asksDatabase;
    }
    if (epoch === undefined) return { state: "hit", value: valueOrToken };
    // Decided now: what the database is about to be asked may change once more within the grace.
    if (!epochs.isFillable(epoch)) return asksDatabase;
    return { state: "miss", fill: fillOf(key, epoch, valueOrToken) };
  }

  function fillOf(key: string, epoch: string, token: string) {
    return async (value: string) => {
      try {
        const stored = await scripts.fillHash(client, key, epoch, token, value, valueLife());
        note(stored === 1 ? "fill" : "fill refused");
      } catch (error) {
        failed(key, error);
      }
    };
  }

  function end(key: string, writer: string, epoch: string, token: string, value: string) {
    const lives = [valueLife(), limits.tokenLifeMs] as const;
    return scripts.endWrite(client, key, writer, epoch, token, freshToken(), value, ...lives);
  }

  /** A write that has begun. Its END stores a value if it is the only writer, and the grace was over at BEGIN. */
  function begun(key: string, writer: string, epoch: string, token: string, isSolo: boolean): HotWrite {
    note("begin");
    // Decided now: a writer of the last epoch may still change the row until the grace is over.
    const mayFill = isSolo && epochs.isFillable(epoch);
    return {
      async end(committed) {
        const value = mayFill && committed !== null ? committed : "";
        await end(key, writer, epoch, token, value).catch(() => note("end failed"));
      },
    };
  }

  return {
    async peek(loginId) {
      const key = keys.user(loginId);
      const master = masterOf(key);
      if (master === null || !epochs.isConnected(master)) return null;
      try {
        return believable(master, await readFields(master, key));
      } catch (error) {
        if (!isRedirection(error)) failed(key, error);
        return null;
      }
    },

    async read(loginId) {
      const key = keys.user(loginId);
      const master = masterOf(key);
      if (master === null || !epochs.isConnected(master)) {
        note("bypassed");
        return asksDatabase;
      }
      try {
        const value = believable(master, await readFields(master, key));
        if (value !== null) {
          note("hit");
          return { state: "hit", value };
        }
      } catch (error) {
        if (!isRedirection(error)) {
          failed(key, error);
          return asksDatabase;
        }
      }
      // The script believes the server that runs it, which may have ceased to be master while this process stood still.
      if (epochs.epochOf(master) === null) {
        note("bypassed");
        return asksDatabase;
      }
      try {
        const read = await askScript(key);
        note(read.state);
        return read;
      } catch (error) {
        failed(key, error);
        return asksDatabase;
      }
    },

    async begin(loginId) {
      const key = keys.user(loginId);
      const writer = crypto.randomUUID();
      try {
        const reply = await scripts.beginWrite(client, key, writer, freshToken(), limits.markerLifeMs);
        const [isSolo, epoch, token] = reply;
        return begun(key, writer, epoch, token, isSolo === 1);
      } catch (error) {
        failed(key, error);
        // It may have run: a marker that it left is taken away, if that is possible.
        end(key, writer, "", "", "").catch(() => {});
        throw new HotCopyUnavailable();
      }
    },

    async purge(loginId) {
      const key = keys.user(loginId);
      try {
        await scripts.purgeHash(client, key, freshToken(), limits.tokenLifeMs);
      } catch (error) {
        failed(key, error);
        throw new HotCopyUnavailable();
      }
    },

    async purgeAll() {
      try {
        for (const master of masters()) {
          if (master === null) throw new HotCopyUnavailable();
          for await (const found of master.scanStream({ match: keys.everyUser, count: scanCount })) {
            const hashes: string[] = found;
            await Promise.all(
              hashes.map((key) => scripts.purgeHash(client, key, freshToken(), limits.tokenLifeMs)),
            );
          }
        }
      } catch {
        throw new HotCopyUnavailable();
      }
    },
  } satisfies HotCopy;
}

/** 128 random bits; never repeats. */
function freshToken(): string {
  return crypto.getRandomValues(Buffer.allocUnsafe(16)).toString("base64url");
}
