import type { Redis } from "ioredis";
import type { RedisAddress } from "../../src/config/redis-address.ts";
import { shellWord } from "../../src/fix.ts";
import type { RedisConnectionOptions } from "../../src/store/redis-connection.ts";
import { explainRedisFailure } from "../../src/store/redis-failures.ts";
import { type Check, fine, type Verdict, warning, worstOf, wrong } from "./check.ts";
import { askDirectly } from "./redis-direct.ts";
import { cliOf, parseInfo } from "./redis-servers.ts";

/** A failover should not rest on fewer. */
const sentinelsMin = 3;

const cluster: Check<RedisConnectionOptions> = {
  id: "redis.cluster",
  title: "cluster",
  examine: (options) => ofEachNode(options, judgeCluster),
};

const sentinel: Check<RedisConnectionOptions> = {
  id: "redis.sentinel",
  title: "sentinels",
  examine: (options) => ofEachNode(options, judgeSentinel),
};

/** What the nodes in REDIS_URL are asked themselves, since they are what leads to the masters. */
export const redisTopologyChecks: Record<
  RedisConnectionOptions["mode"],
  readonly Check<RedisConnectionOptions>[]
> = { single: [], cluster: [cluster], sentinel: [sentinel] };

async function judgeCluster(connection: Redis, _node: RedisAddress, { nodes }: RedisConnectionOptions) {
  const info = parseInfo(String(await connection.cluster("INFO")));
  if (info.get("cluster_state") === "ok") return fine(`${info.get("cluster_size")} masters serve every slot`);
  const [{ host, port }] = nodes;
  return wrong("it does not serve every slot", `redis-cli --cluster fix ${shellWord(`${host}:${port}`)}`);
}

async function judgeSentinel(connection: Redis, node: RedisAddress, options: RedisConnectionOptions) {
  const master = options.sentinelMaster ?? "mymaster";
  try {
    const quorum = String(await connection.call("SENTINEL", "CKQUORUM", master));
    const usable = Number(/(\d+) usable/.exec(quorum)?.[1] ?? 0);
    if (usable >= sentinelsMin) return fine(`${usable} sentinels agree on a quorum`);
    const watch = `SENTINEL MONITOR ${shellWord(master)} <the master's host> <its port> 2`;
    const detail = `${usable} usable, and a failover should rest on ${sentinelsMin}`;
    return warning(detail, `redis-cli -h <another sentinel> -p ${node.port} ${watch}`);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith("NOQUORUM")) throw error;
    const look = `${cliOf(node, node.host, node.port)} SENTINEL SENTINELS ${shellWord(master)}`;
    return wrong(
      "too few sentinels are reachable to agree on a failover",
      `${look}   # start those that are down`,
    );
  }
}

async function ofEachNode(
  options: RedisConnectionOptions,
  judge: (connection: Redis, node: RedisAddress, options: RedisConnectionOptions) => Promise<Verdict>,
): Promise<Verdict> {
  const verdicts = options.nodes.map(async (node) => {
    const login = options.mode === "sentinel" ? { username: null, password: options.sentinelPassword } : node;
    try {
      return await askDirectly(node, login, options, (connection) => judge(connection, node, options));
    } catch (error) {
      const { reason } = explainRedisFailure(error);
      const ping = `${cliOf(node, node.host, node.port)} PING`;
      return warning(
        `${node.host}:${node.port}: ${reason}`,
        `${ping}   # start it, or take it out of REDIS_URL`,
      );
    }
  });
  return worstOf(await Promise.all(verdicts));
}
