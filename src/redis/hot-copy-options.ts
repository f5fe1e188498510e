import type { RedisKeyspace } from "./keyspace.ts";

export interface HotCopyLimits {
  /** `REDIS_TTL_SECONDS` in milliseconds: the lifetime of a value, plus or minus a tenth; 0 keeps it. */
  readonly ttlMs: number;
  /** `COHERENCE_TOKEN_MS`: the lifetime of a hash that holds only a lease token. */
  readonly tokenMs: number;
  /** `COHERENCE_QUARANTINE_MS`: the lifetime of a marker whose writer never came back, and of a stale mark. */
  readonly quarantineMs: number;
}

export type HotCopyEvent =
  | "hit"
  | "miss"
  | "ask"
  | "stale"
  | "marker"
  | "bypassed"
  | "fill"
  | "fill refused"
  | "begin"
  | "end failed"
  | "stray removed"
  | "unreachable";

export interface RedisHotCopyOptions
  extends Pick<RedisKeyspace, "client" | "masters" | "masterOf" | "epochs" | "keys"> {
  readonly limits: HotCopyLimits;
  readonly onEvent: (event: HotCopyEvent) => void;
}
