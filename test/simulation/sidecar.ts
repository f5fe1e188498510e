import type { OwnIdDataStore } from "../../src/coherence/ownid-data-store.ts";
import { createWriteThrough } from "../../src/coherence/write-through.ts";
import { createRedisEpochs } from "../../src/redis/epochs.ts";
import { createKeys } from "../../src/redis/keys.ts";
import { createRedisHotCopy } from "../../src/redis/redis-hot-copy.ts";
import { scripts } from "../../src/redis/scripts.ts";
import type { RedisDeployment } from "./redis-deployment.ts";
import { RedisLink } from "./redis-link.ts";
import type { Process } from "./scheduler.ts";
import type { SimulatedDatabase } from "./simulated-database.ts";
import { createSimulatedDirectory } from "./simulated-directory.ts";
import { SimulatedRedis } from "./simulated-redis.ts";
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
  const link = new RedisLink(world, redis, process);
  const client = new SimulatedRedis(link);
  const keys = createKeys("");
  const masterOf = () => (link.isReady ? client : null);
  const masters = () => [masterOf()];
  const realEpochs = createRedisEpochs({
    masters,
    recordEpoch: (key, keepMs) => scripts.recordEpoch(client, key, keepMs),
    // In the simulation, each address leads to one server only.
    forgetAll: async () => {},
    keys,
    graceMs: scenario.times.graceMs,
    mode: "single",
    installation: "",
  });
  const epochs = mutation.epochs?.(realEpochs) ?? realEpochs;
  link.onConnectionChange(() => epochs.forget(client));
  const directory = createSimulatedDirectory(world, database, process);
  const limits = { ...scenario.times, ...mutation.limits };
  const hotCopy = createRedisHotCopy({
    client,
    masters,
    masterOf,
    epochs,
    keys,
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
  world.scheduler.after(0, process, () => void epochs.start());
  return { process, store };
}
