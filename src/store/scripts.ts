import type { Result } from "ioredis";
import beginWrite from "./lua/begin-write.lua" with { type: "text" };
import endWrite from "./lua/end-write.lua" with { type: "text" };
import fillHash from "./lua/fill-hash.lua" with { type: "text" };
import purgeHash from "./lua/purge-hash.lua" with { type: "text" };
import readHash from "./lua/read-hash.lua" with { type: "text" };
import recordEpoch from "./lua/record-epoch.lua" with { type: "text" };
import reopenSeen from "./lua/reopen-seen.lua" with { type: "text" };
import shared from "./lua/shared.lua" with { type: "text" };

/** The only place where Lua becomes commands. ioredis sends EVALSHA, and the text where Redis lacks it. */
export const scripts = {
  recordEpoch: { lua: shared + recordEpoch, numberOfKeys: 1 },
  readHash: { lua: shared + readHash, numberOfKeys: 1 },
  fillHash: { lua: shared + fillHash, numberOfKeys: 1 },
  beginWrite: { lua: shared + beginWrite, numberOfKeys: 1 },
  endWrite: { lua: shared + endWrite, numberOfKeys: 1 },
  purgeHash: { lua: shared + purgeHash, numberOfKeys: 1 },
  reopenSeen: { lua: reopenSeen, numberOfKeys: 1 },
};

/** Each script's arguments and reply, as its header promises them. An epoch is told in hex. */
declare module "ioredis" {
  interface RedisCommander<Context> {
    recordEpoch(key: string, keepMs: number): Result<number, Context>;
    readHash(
      key: string,
      token: string,
      tokenLifeMs: number,
    ): Result<[state: string, valueOrToken?: string, epoch?: string], Context>;
    fillHash(
      key: string,
      epoch: string,
      token: string,
      value: string,
      valueLifeMs: number,
    ): Result<0 | 1, Context>;
    beginWrite(
      key: string,
      writer: string,
      token: string,
      markerLifeMs: number,
    ): Result<[isSolo: 0 | 1, epoch: string, token: string], Context>;
    endWrite(
      key: string,
      writer: string,
      epoch: string,
      token: string,
      freshToken: string,
      value: string,
      valueLifeMs: number,
      tokenLifeMs: number,
    ): Result<0 | 1, Context>;
    purgeHash(key: string, token: string, tokenLifeMs: number): Result<0 | 1, Context>;
    reopenSeen(key: string, failed: string, open: string): Result<0 | 1, Context>;
  }
}
