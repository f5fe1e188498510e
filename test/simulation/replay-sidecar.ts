import { createRedisReplayGuard } from "../../src/redis/redis-replay-guard.ts";
import { createProcessReplayGuard, type ProcessReplayGuard } from "../../src/replay/process-replay-guard.ts";
import type { ReplayGuard } from "../../src/replay/replay-guard.ts";
import type { RedisDeployment } from "./redis-deployment.ts";
import { connectToRedis } from "./redis-side.ts";
import type { Process } from "./scheduler.ts";
import type { World } from "./world.ts";

/** One sidecar process: the production replay guard over a simulated connection. */
export interface GuardedSidecar {
  readonly process: Process;
  readonly guard: ReplayGuard;
  /** Returns whether Redis would answer its claims now. */
  canUseRedis(): boolean;
  /** Returns whether the copy that runs now was claimed in the memory of the process. */
  isClaimedAlone(mac: Uint8Array): boolean;
  /** The last instant at which it could use Redis, by the scheduler's clock. */
  couldUseRedisAtMs: number;
}

const keepMs = 125_000;

export function startGuardedSidecar(world: World, name: string, redis: RedisDeployment): GuardedSidecar {
  const process = world.createProcess(name);
  const keyspace = connectToRedis(world, process, redis);
  const realMemory = createProcessReplayGuard({ keepMs, now: Date.now, elapsed: () => performance.now() });
  const memory = world.mutation.memory?.(realMemory) ?? realMemory;
  const claimedAlone = new Set<string>();
  const fallback: ProcessReplayGuard = {
    ...memory,
    claim(mac, endpoint, signedAtMs) {
      const claim = memory.claim(mac, endpoint, signedAtMs);
      if (claim === "run") claimedAlone.add(nameOf(mac));
      return claim;
    },
  };
  const guard = createRedisReplayGuard({
    ...keyspace,
    fallback,
    keepMs,
    onEvent: (event) => world.count(event),
  });
  return {
    process,
    guard,
    canUseRedis: () => redis.server !== null && !redis.isFull && keyspace.epochs.isConnected(keyspace.client),
    isClaimedAlone: (mac) => claimedAlone.delete(nameOf(mac)),
    couldUseRedisAtMs: Number.NEGATIVE_INFINITY,
  };
}

/** Returns a short name of a request for the trace. */
export const nameOf = (mac: Uint8Array): string => Buffer.from(mac).toString("base64url").slice(0, 6);
