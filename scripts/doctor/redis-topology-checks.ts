import type { Redis } from "ioredis";
import type { RedisAddress } from "../../src/config/redis-address.ts";
import { codeOf } from "../../src/error-code.ts";
import { shellWord } from "../../src/fix.ts";
import { explainConnectionFailure } from "../../src/redis/failures.ts";
import type { RedisConnectionOptions } from "../../src/redis/options.ts";
import { counted } from "../quantities.ts";
import { type Check, fine, type Verdict, warning, worstOf, wrong } from "./check.ts";
import type { RedisCli } from "./redis-cli.ts";
import { askDirectly } from "./redis-direct.ts";
import { parseInfo } from "./redis-servers.ts";

/** The settings that lead to Redis, and the command lines that do. */
export interface RedisRoute {
  readonly options: RedisConnectionOptions;
  readonly cli: RedisCli;
}

/** A failover should not depend on fewer sentinels. */
const sentinelsMin = 3;

const cluster: Check<RedisRoute> = {
  id: "redis.cluster",
  title: "cluster",
  examine: (route) => ofEachNode(route, judgeCluster),
};

const sentinel: Check<RedisRoute> = {
  id: "redis.sentinel",
  title: "sentinels",
  examine: (route) => ofEachNode(route, judgeSentinel),
};

/** What the nodes in REDIS_URL themselves are asked, since they lead to the masters. */
export const redisTopologyChecks: Record<RedisConnectionOptions["mode"], readonly Check<RedisRoute>[]> = {
  single: [],
  cluster: [cluster],
  sentinel: [sentinel],
};

async function judgeCluster(connection: Redis, node: RedisAddress, route: RedisRoute): Promise<Verdict> {
  const info = parseInfo(String(await connection.cluster("INFO")));
  const { host, port } = node;
  if (info.get("cluster_state") !== "ok") {
    const fix = `${route.cli.anywhere()} --cluster fix ${shellWord(`${host}:${port}`)}`;
    return wrong("it does not serve every slot", fix);
  }
  const announced = announcedMasters(await connection.cluster("SLOTS"), node);
  const silent = (await Promise.all(announced.map((master) => isSilent(master, route)))).filter(
    (reason) => reason !== null,
  );
  const masters = Number(info.get("cluster_size"));
  if (silent.length === 0) return fine(`${counted(masters, "master serves", "masters serve")} every slot`);
  const detail = `${silent.join("; ")}. Start it, let its replica take over, or correct cluster-announce-ip, -hostname and -port on it`;
  return wrong(detail, `${route.cli.at(host, port)} CLUSTER NODES   # shows who announces which address`);
}

/** Reads the reply of CLUSTER SLOTS: ranges of [first, last, [host, port, …], …], whose first node is the master. */
function announcedMasters(slots: unknown, asked: RedisAddress): RedisAddress[] {
  const masters = new Map<string, RedisAddress>();
  for (const range of Array.isArray(slots) ? slots : []) {
    const node: unknown = Array.isArray(range) ? range[2] : null;
    if (!Array.isArray(node)) continue;
    const [host, port] = [String(node[0] || asked.host), Number(node[1])];
    masters.set(`${host}:${port}`, { ...asked, host, port });
  }
  return [...masters.values()];
}

async function isSilent(master: RedisAddress, { options }: RedisRoute): Promise<string | null> {
  try {
    await askDirectly(master, options.nodes[0], options, (connection) => connection.info("server"));
    return null;
  } catch (error) {
    const { reason } = explainConnectionFailure(error, options);
    return `the master announced at ${master.host}:${master.port} cannot be asked: ${reason.replace("at REDIS_URL", "there")}`;
  }
}

async function judgeSentinel(connection: Redis, node: RedisAddress, { options, cli }: RedisRoute) {
  const master = options.sentinelMaster ?? "mymaster";
  try {
    const quorum = String(await connection.call("SENTINEL", "CKQUORUM", master));
    const usable = Number(/(\d+) usable/.exec(quorum)?.[1] ?? 0);
    if (usable >= sentinelsMin)
      return fine(`${counted(usable, "sentinel agrees", "sentinels agree")} on a quorum`);
    const watch = `SENTINEL MONITOR ${shellWord(master)} <the master's host> <its port> 2`;
    const detail = `${usable} usable, and a failover should rest on ${sentinelsMin}`;
    return warning(detail, `${cli.at("<another sentinel>", node.port)} ${watch}`);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith("NOQUORUM")) throw error;
    const look = `${cli.at(node.host, node.port)} SENTINEL SENTINELS ${shellWord(master)}`;
    return wrong(
      "too few sentinels are reachable to agree on a failover",
      `${look}   # start those that are down`,
    );
  }
}

async function ofEachNode(
  route: RedisRoute,
  judge: (connection: Redis, node: RedisAddress, route: RedisRoute) => Promise<Verdict>,
): Promise<Verdict> {
  const { options, cli } = route;
  const isSentinel = options.mode === "sentinel";
  const verdicts = options.nodes.map(async (node) => {
    const login = isSentinel
      ? { username: options.sentinelUsername, password: options.sentinelPassword }
      : options.nodes[0];
    const place = isSentinel ? { ...node, tls: options.sentinelTls ?? node.tls } : node;
    try {
      return await askDirectly(place, login, options, (connection) => judge(connection, node, route));
    } catch (error) {
      const cause = isSentinel && error instanceof Error ? ofSentinel(error) : error;
      const { reason, fix } = explainConnectionFailure(cause, options);
      const ping = `${cli.at(node.host, node.port)} PING`;
      return warning(`${node.host}:${node.port}: ${reason}: ${fix}`, ping);
    }
  });
  return worstOf(await Promise.all(verdicts));
}

/** ioredis wraps what a sentinel has said. */
function ofSentinel(error: Error): Error {
  return new Error(`All sentinels are unreachable. Last error: ${codeOf(error)} ${error.message}`);
}
