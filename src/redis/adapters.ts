import type { HotCopy } from "../coherence/hot-copy.ts";
import { createProcessReplayGuard } from "../replay/process-replay-guard.ts";
import type { ReplayGuard } from "../replay/replay-guard.ts";
import type { SessionLedger } from "../sessions/session-ledger.ts";
import type { RedisSeat } from "./cluster.ts";
import type { Explanation } from "./failures.ts";
import type { HotCopyEvent, HotCopyLimits } from "./hot-copy-options.ts";
import { createInstallationMark } from "./installation.ts";
import { openRedisKeyspace, type RedisKeyspaceOptions } from "./keyspace.ts";
import { createRedisHotCopy } from "./redis-hot-copy.ts";
import { createRedisReplayGuard, type ReplayGuardEvent } from "./redis-replay-guard.ts";
import { createRedisSessionLedger, type RedisSessionLedgerOptions } from "./redis-session-ledger.ts";

export interface RedisAdaptersOptions extends Omit<RedisKeyspaceOptions, "tokenMs"> {
  readonly limits: HotCopyLimits;
  /** How long a signature is remembered, in milliseconds. */
  readonly rememberMs: number;
  readonly sessions: Pick<RedisSessionLedgerOptions, "keepSeconds" | "latestIssueTime">;
  readonly onHashEvent: (event: HotCopyEvent) => void;
  readonly onGuardEvent: (event: ReplayGuardEvent) => void;
}

export interface RedisAdapters {
  readonly hotCopy: HotCopy;
  readonly replayGuard: ReplayGuard;
  readonly sessionLedger: SessionLedger;
  /** Resolves at the first contact with a master. */
  readonly firstContact: Promise<void>;
  /** Returns whether a master answers and executes commands. */
  isLive(): boolean;
  /** Returns whether all masters are live and every grace is over. */
  isFilling(): boolean;
  /** Returns the number of live masters. */
  liveMasters(): number;
  /** Returns how many epochs have been seen since the start. */
  epochsSeen(): number;
  /** Returns why no master answers, or why Redis refuses commands. */
  problem(): Explanation | null;
  /** Returns what is wrong although a master answers. */
  impairment(): Explanation | null;
  close(): void;
}

/**
 * Opens everything that is stored in Redis, over one connection. It connects by itself and reconnects whenever it
 * must.
 */
export function openRedisAdapters(options: RedisAdaptersOptions): RedisAdapters {
  const { connection, keyPrefix, installation, graceMs, limits, rememberMs, onHashEvent, onGuardEvent } =
    options;
  const { tokenMs } = limits;
  const keyspace = openRedisKeyspace({ connection, keyPrefix, installation, graceMs, tokenMs });
  const { epochs } = keyspace;
  const mark = createInstallationMark({ ...keyspace, installation });
  const fallback = createProcessReplayGuard({
    keepMs: rememberMs,
    now: Date.now,
    elapsed: () => performance.now(),
  });

  return {
    hotCopy: createRedisHotCopy({ ...keyspace, limits, onEvent: onHashEvent }),
    replayGuard: createRedisReplayGuard({ ...keyspace, fallback, keepMs: rememberMs, onEvent: onGuardEvent }),
    sessionLedger: createRedisSessionLedger({ ...keyspace, ...options.sessions }),

    firstContact: epochs.start().then(mark.start),
    isLive: () => epochs.isAnyLive() && epochs.refusal() === null,
    isFilling: epochs.isFilling,
    liveMasters: epochs.liveCount,
    epochsSeen: epochs.seenCount,
    problem: keyspace.problem,
    impairment: () =>
      mark.conflict() ?? explainAbsence(keyspace.seats().filter(({ master }) => !epochs.isLive(master))),

    close() {
      mark.stop();
      keyspace.close();
    },
  };
}

/** Explains that some of several masters do not answer. */
function explainAbsence(absent: readonly RedisSeat[]): Explanation | null {
  if (absent.length === 0) return null;
  const addresses = absent.flatMap(({ address }) => (address === null ? [] : [address]));
  const silent = `masters of the Cluster do not answer: ${addresses.join(", ")}`;
  return {
    reason: addresses.length > 0 ? silent : "no master of the Cluster serves some of its slots",
    fix: "start them, correct the addresses that they announce (cluster-announce-…), or let replicas take over",
  };
}
