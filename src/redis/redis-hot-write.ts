import type { HotCopy, HotWrite, RepeatableBegin } from "../coherence/hot-copy.ts";
import { HotCopyUnavailable, WriteContended } from "../errors.ts";
import { freshToken } from "./fresh-token.ts";
import type { RedisHotCopyOptions } from "./hot-copy-options.ts";
import { scripts } from "./scripts.ts";
import type { StaleUsers } from "./stale-users.ts";

export interface RedisHotWritesOptions
  extends Pick<RedisHotCopyOptions, "client" | "masterOf" | "epochs" | "keys" | "limits" | "onEvent"> {
  readonly staleUsers: StaleUsers;
  /** Returns the lifetime of one value, in milliseconds. */
  readonly valueLife: () => number;
  /** Called for every command that was not answered clearly. */
  readonly failed: (key: string, error: unknown) => void;
}

/** Creates what a write does to a user's hash: BEGIN, END and the stale mark. */
export function createRedisHotWrites(options: RedisHotWritesOptions): Pick<HotCopy, "begin" | "markStale"> {
  const { client, masterOf, epochs, keys, limits, onEvent, staleUsers, valueLife, failed } = options;

  function end(key: string, writer: string, epoch: string, token: string, value: string) {
    const lives = [valueLife(), limits.tokenMs] as const;
    return scripts.endWrite(client, key, writer, epoch, token, freshToken(), value, ...lives);
  }

  async function markStale(loginId: string, token: string): Promise<boolean> {
    const key = keys.user(loginId);
    try {
      const marked = await scripts.markStale(client, key, token, freshToken(), limits.quarantineMs);
      if (marked === 1) staleUsers.remember(loginId, epochs.epochOf(masterOf(key)));
      return marked === 1;
    } catch (error) {
      failed(key, error);
      throw new HotCopyUnavailable();
    }
  }

  /**
   * Returns a write that has begun. Its END stores a value if it was the only writer and the grace was over at BEGIN.
   */
  function begun(
    loginId: string,
    writer: string,
    reply: NonNullable<Awaited<ReturnType<typeof scripts.beginWrite>>>,
  ): HotWrite {
    const [isSolo, epoch, token, isMarked, foundToken, foundValue] = reply;
    const key = keys.user(loginId);
    onEvent("begin");
    // This is decided at BEGIN, since a writer of the previous epoch may still change the row until the grace is
    // over.
    const mayFill = isSolo === 1 && epochs.isFillable(epoch);
    const isStale = isMarked === 1 || staleUsers.has(loginId, epoch);
    return {
      found: { value: foundValue, token: foundToken, isStale },
      markStale: () => markStale(loginId, token),
      async end(held) {
        const value = mayFill && held !== null ? held : "";
        await end(key, writer, epoch, token, value).catch(() => onEvent("end failed"));
      },
    };
  }

  /** @returns `null` if another write has the write lock */
  async function sendBegin(key: string, writer: string, repeatable: RepeatableBegin | undefined) {
    const token = repeatable?.token ?? freshToken();
    const rest =
      repeatable === undefined ? ([] as const) : ([repeatable.seen ?? "", repeatable.lockMs] as const);
    try {
      return await scripts.beginWrite(client, key, writer, token, limits.quarantineMs, ...rest);
    } catch (error) {
      failed(key, error);
      // BEGIN may have run. If it has left a marker, END removes it if possible. It would also change the lease token,
      // by which a caller that begins again recognizes this BEGIN.
      if (repeatable === undefined) end(key, writer, "", "", "").catch(() => {});
      throw new HotCopyUnavailable();
    }
  }

  return {
    markStale: (loginId, { token }) => markStale(loginId, token),

    async begin(loginId, repeatable) {
      const writer = crypto.randomUUID();
      const reply = await sendBegin(keys.user(loginId), writer, repeatable);
      if (reply === null) throw new WriteContended();
      return begun(loginId, writer, reply);
    },
  };
}
