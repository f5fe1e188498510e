import { createProcessReplayGuard } from "../replay/process-replay-guard.ts";
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

export type RedisAdapters = ReturnType<typeof openRedisAdapters>;

/**
 * Opens everything that is stored in Redis, over one connection. It connects by itself and reconnects whenever it
 * must.
 */
export function openRedisAdapters(options: RedisAdaptersOptions) {
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

    /** Resolves at the first contact with a master. */
    firstContact: epochs.start().then(mark.start),

    /** Returns whether a master answers and executes commands. */
    isLive: () => epochs.isAnyLive() && epochs.refusal() === null,
    isFilling: epochs.isFilling,
    liveMasters: epochs.liveCount,
    epochsSeen: epochs.seenCount,
    /** Returns why no master does. */
    problem: keyspace.problem,
    /** Returns what is wrong although a master answers. */
    impairment: () =>
      mark.conflict() ?? explainAbsence(keyspace.seats().filter(({ master }) => !epochs.isLive(master))),

    close(): void {
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
