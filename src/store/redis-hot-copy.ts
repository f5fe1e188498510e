import type { Cluster, Redis } from "ioredis";
import { HotCopyUnavailable } from "../errors.ts";
import type { HotCopy, HotRead, HotWrite } from "./hot-copy.ts";
import type { Keys } from "./keys.ts";
import type { RedisEpochs } from "./redis-epochs.ts";

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
  | "fill"
  | "fill refused"
  | "begin"
  | "end failed"
  | "unreachable";

export interface RedisHotCopyOptions {
  readonly client: Redis | Cluster;
  readonly masters: () => readonly Redis[];
  readonly epochs: RedisEpochs;
  readonly keys: Keys;
  readonly limits: HotCopyLimits;
  readonly note: (event: HotCopyEvent) => void;
}

const asksDatabase: HotRead = { state: "ask" };
const scanCount = 1000;

/** The hot copy in Redis: each method is one step of this folder's README.md, most of them one Lua script. */
export function createRedisHotCopy(options: RedisHotCopyOptions): HotCopy {
  const { client, masters, epochs, keys, limits, note } = options;

  /** A value's life differs a little from user to user, so that a whole population does not expire at once. */
  const valueLife = () => Math.round(limits.valueLifeMs * (0.9 + 0.2 * Math.random()));

  function unreachable(): void {
    note("unreachable");
    epochs.disturb();
  }

  async function believable(key: string): Promise<string | null> {
    const [epoch, value, hasMarkers] = await client.hmgetBuffer(key, "e", "v", "n");
    if (!epoch || !value || hasMarkers || !epochs.isLive(epoch)) return null;
    return value.toString();
  }

  async function askScript(key: string): Promise<HotRead> {
    const [, valueOrToken, epoch] = await client.readHashBuffer(key, freshToken(), limits.tokenLifeMs);
    if (valueOrToken === undefined) return asksDatabase;
    if (epoch === undefined) return { state: "hit", value: valueOrToken.toString() };
    return { state: "miss", fill: fillOf(key, epoch, valueOrToken) };
  }

  function fillOf(key: string, epoch: Buffer, token: Buffer) {
    return async (value: string) => {
      if (!epochs.isFillable(epoch)) return;
      try {
        const stored = await client.fillHash(key, epoch, token, value, valueLife());
        note(stored === 1 ? "fill" : "fill refused");
      } catch {
        unreachable();
      }
    };
  }

  async function begin(loginId: string): Promise<HotWrite> {
    const key = keys.user(loginId);
    const writer = crypto.randomUUID();
    const token = freshToken();
    const end = (epoch: Buffer, value: string) =>
      client.endWrite(key, writer, epoch, token, freshToken(), value, valueLife(), limits.tokenLifeMs);
    try {
      const [isSolo, epoch] = await client.beginWriteBuffer(key, writer, token, limits.markerLifeMs);
      note("begin");
      return {
        async end(committed) {
          const mayFill = isSolo === 1 && committed !== null && epochs.isFillable(epoch);
          await end(epoch, mayFill ? committed : "").catch(() => note("end failed"));
        },
      };
    } catch {
      unreachable();
      end(Buffer.alloc(0), "").catch(() => {});
      throw new HotCopyUnavailable();
    }
  }

  return {
    async peek(loginId) {
      if (!epochs.isAnyLive()) return null;
      try {
        return await believable(keys.user(loginId));
      } catch {
        unreachable();
        return null;
      }
    },

    async read(loginId) {
      if (!epochs.isAnyLive()) return asksDatabase;
      const key = keys.user(loginId);
      try {
        const value = await believable(key);
        const read: HotRead = value === null ? await askScript(key) : { state: "hit", value };
        note(read.state);
        return read;
      } catch {
        unreachable();
        return asksDatabase;
      }
    },

    begin,

    async purge(loginId) {
      try {
        await client.purgeHash(keys.user(loginId), freshToken(), limits.tokenLifeMs);
      } catch {
        unreachable();
        throw new HotCopyUnavailable();
      }
    },

    async purgeAll() {
      try {
        for (const master of masters()) {
          for await (const found of master.scanStream({ match: keys.everyUser, count: scanCount })) {
            const hashes: string[] = found;
            await Promise.all(hashes.map((key) => client.purgeHash(key, freshToken(), limits.tokenLifeMs)));
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
