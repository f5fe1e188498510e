import type { OwnIdDataStore } from "../../src/coherence/ownid-data-store.ts";
import { createWriteThrough } from "../../src/coherence/write-through.ts";
import { createRedisHotCopy } from "../../src/redis/redis-hot-copy.ts";
import type { RedisDeployment } from "./redis-deployment.ts";
import { connectToRedis } from "./redis-side.ts";
import type { Process } from "./scheduler.ts";
import type { SimulatedDatabase } from "./simulated-database.ts";
import { createSimulatedDirectory } from "./simulated-directory.ts";
import type { World } from "./world.ts";

/** One sidecar process: the production store, epochs and hot copy over simulated connections. */
export interface Sidecar {
  readonly process: Process;
  readonly store: OwnIdDataStore;
}

export function startSidecar(
  world: World,
  name: string,
  redis: RedisDeployment,
  database: SimulatedDatabase,
): Sidecar {
  const { mutation, scenario } = world;
  const process = world.createProcess(name);
  const keyspace = connectToRedis(world, process, redis);
  const directory = createSimulatedDirectory(world, database, process);
  const limits = { ...scenario.times, ...mutation.limits };
  const hotCopy = createRedisHotCopy({
    ...keyspace,
    limits,
    onEvent: (event) => world.count(event),
  });
  const store = createWriteThrough({
    directory: mutation.directory?.(directory, scenario.times) ?? directory,
    hotCopy: mutation.hotCopy?.(hotCopy, redis) ?? hotCopy,
    statementMs: scenario.times.statementMs,
    auditShare: scenario.auditShare,
    onEvent: (event) => world.count(event),
  });
  return { process, store };
}
