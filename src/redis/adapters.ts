import { createProcessReplayGuard } from "../replay/process-replay-guard.ts";
import { connectRedis, type RedisConnectionOptions, type RedisSeat } from "./connection.ts";
import { createRedisEpochs } from "./epochs.ts";
import type { Explanation } from "./failures.ts";
import { createInstallationMark } from "./installation.ts";
import { createKeys } from "./keys.ts";
import { createRedisHotCopy, type HotCopyEvent, type HotCopyLimits } from "./redis-hot-copy.ts";
import { createRedisReplayGuard, type ReplayGuardEvent } from "./redis-replay-guard.ts";
import { createRedisSessionLedger, type RedisSessionLedgerOptions } from "./redis-session-ledger.ts";
import { createForgetting } from "./return.ts";
import { scripts, speakFor } from "./scripts.ts";

export interface RedisAdaptersOptions {
  readonly connection: RedisConnectionOptions;
  readonly keyPrefix: string;
  /** Which database and table the hashes are of, in hex. */
  readonly installation: string;
  readonly limits: HotCopyLimits;
  /** G, in milliseconds. */
  readonly graceMs: number;
  /** How long a signature is remembered, in milliseconds. */
  readonly rememberMs: number;
  readonly sessions: Pick<RedisSessionLedgerOptions, "keepSeconds" | "latestIssueTime">;
  readonly noteHash: (event: HotCopyEvent) => void;
  readonly noteGuard: (event: ReplayGuardEvent) => void;
}

export type RedisAdapters = ReturnType<typeof openRedisAdapters>;

/** Everything that is kept in Redis, over one connection. It connects by itself, and again whenever it must. */
export function openRedisAdapters(options: RedisAdaptersOptions) {
  const { installation, limits, graceMs, rememberMs, noteHash, noteGuard } = options;
  const { mode } = options.connection;
  const connection = connectRedis(options.connection);
  const { client, masters, masterOf } = connection;
  speakFor(installation, client);
  const keys = createKeys(options.keyPrefix);
  const recordEpoch = (key: string, keepMs: number) => scripts.recordEpoch(client, key, keepMs);
  const epochs = createRedisEpochs({
    masters,
    recordEpoch,
    forgetAll: createForgetting({ client, keys, tokenLifeMs: limits.tokenLifeMs }),
    keys,
    graceMs,
    mode,
    installation,
  });
  const mark = createInstallationMark({ client, masters, keys, installation });
  const fallback = createProcessReplayGuard({
    keepMs: rememberMs,
    now: Date.now,
    elapsed: () => performance.now(),
  });
  connection.onDisturbance(epochs.disturb);

  return {
    hotCopy: createRedisHotCopy({ client, masters, masterOf, epochs, keys, limits, note: noteHash }),
    replayGuard: createRedisReplayGuard({
      client,
      masterOf,
      epochs,
      keys,
      fallback,
      keepMs: rememberMs,
      note: noteGuard,
    }),
    sessionLedger: createRedisSessionLedger({ client, masters, masterOf, epochs, keys, ...options.sessions }),

    /** Resolves at the first contact with a master. */
    firstContact: epochs.start().then(mark.start),

    /** Whether a master answers, and does what it is asked. */
    isLive: () => epochs.isAnyLive() && epochs.refusal() === null,
    isFilling: epochs.isFilling,
    liveMasters: epochs.liveCount,
    epochsMet: epochs.metCount,
    /** What keeps it from that. */
    problem: () =>
      epochs.misplacement() ?? connection.lastProblem() ?? epochs.lastProblem() ?? epochs.refusal(),
    /** What is wrong although a master answers. */
    impairment: () =>
      mark.conflict() ?? explainAbsence(connection.seats().filter(({ master }) => !epochs.isLive(master))),

    close(): void {
      mark.stop();
      epochs.stop();
      connection.close();
    },
  };
}

/** Some of several masters are away. */
function explainAbsence(absent: readonly RedisSeat[]): Explanation | null {
  if (absent.length === 0) return null;
  const addresses = absent.flatMap(({ address }) => (address === null ? [] : [address]));
  const silent = `masters of the Cluster do not answer: ${addresses.join(", ")}`;
  return {
    reason: addresses.length > 0 ? silent : "no master of the Cluster serves some of its slots",
    remedy:
      "start them, correct the addresses that they announce (cluster-announce-…), or let replicas take over",
  };
}
