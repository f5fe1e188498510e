import type { Cluster, Redis } from "ioredis";
import type { RedisEpochs } from "./epochs.ts";
import type { Keys } from "./keys.ts";

export interface HotCopyLimits {
  /** T: how long a value lives, in milliseconds, give or take a tenth; 0 keeps it. */
  readonly valueLifeMs: number;
  /** F: how long a hash lives that holds only a token. */
  readonly tokenLifeMs: number;
  /** Q: how long a marker stands whose writer never came back, and the mark of a stale hash that nobody reads again. */
  readonly markerLifeMs: number;
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

export interface RedisHotCopyOptions {
  readonly client: Redis | Cluster;
  readonly masters: () => readonly (Redis | null)[];
  readonly masterOf: (key: string) => Redis | null;
  readonly epochs: RedisEpochs;
  readonly keys: Keys;
  readonly limits: HotCopyLimits;
  readonly onEvent: (event: HotCopyEvent) => void;
}
