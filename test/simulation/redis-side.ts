import { createRedisEpochs } from "../../src/redis/epochs.ts";
import { createKeys } from "../../src/redis/keys.ts";
import { scripts } from "../../src/redis/scripts.ts";
import type { RedisDeployment } from "./redis-deployment.ts";
import { RedisLink } from "./redis-link.ts";
import type { Process } from "./scheduler.ts";
import { SimulatedRedis } from "./simulated-redis.ts";
import type { World } from "./world.ts";

/** Connects a process to Redis: the production epochs over a simulated connection. */
export function connectToRedis(world: World, process: Process, redis: RedisDeployment) {
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
    graceMs: world.scenario.times.graceMs,
    mode: "single",
    installation: "",
  });
  const epochs = world.mutation.epochs?.(realEpochs) ?? realEpochs;
  link.onConnectionChange(() => epochs.forget(client));
  world.scheduler.after(0, process, () => void epochs.start());
  return { client, masters, masterOf, keys, epochs };
}
