import { Redis } from "ioredis";
import { untilAnswer } from "./redis-answer.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { shareServer } from "./running-servers.ts";

export interface RedisCluster extends AsyncDisposable {
  /** The masters, in the order of their slots. */
  readonly nodes: readonly RedisServer[];
  /** Returns what a client needs to find the cluster. */
  endpoints(): { host: string; port: number }[];
  remove(): Promise<void>;
}

const slots = 16_384;
/** The cluster that this test process shares. Use your own key prefix on it, and never stop a node. */
export const sharedRedisCluster = shareServer(startRedisCluster);

/**
 * Starts a cluster of masters without replicas that serves every slot. Resolves once every node reports that.
 *
 * @throws {ServerUnavailable} redis-server is not on this machine
 */
export async function startRedisCluster({
  masters = 3,
  settings = {},
}: {
  masters?: number;
  settings?: Readonly<Record<string, string>>;
} = {}): Promise<RedisCluster> {
  const clusterSettings = { "cluster-enabled": "yes", "cluster-node-timeout": "1000", ...settings };
  const starts = Array.from({ length: masters }, () => startRedis({ settings: clusterSettings }));
  const nodes = await Promise.all(starts);
  await joinNodes(nodes);
  const remove = async () => {
    await Promise.all(nodes.map((node) => node.remove()));
  };
  return {
    nodes,
    endpoints: () => nodes.map((node) => ({ host: "127.0.0.1", port: node.port })),
    remove,
    [Symbol.asyncDispose]: remove,
  };
}

async function joinNodes(nodes: readonly RedisServer[]): Promise<void> {
  const clients = nodes.map((node) => new Redis(node.url(), { enableReadyCheck: false }));
  try {
    await Promise.all(clients.map((client, index) => takeSlots(client, index, nodes.length)));
    // Every node is introduced to every other, since gossip alone would take a second longer.
    for (const client of clients) {
      for (const node of nodes) await client.call("CLUSTER", "MEET", "127.0.0.1", node.port);
    }
    await Promise.all(nodes.map((node) => untilServing(node, nodes.length)));
  } finally {
    for (const client of clients) client.disconnect();
  }
}

async function takeSlots(client: Redis, index: number, masters: number): Promise<void> {
  const first = Math.floor((index * slots) / masters);
  const end = Math.floor(((index + 1) * slots) / masters);
  const own = Array.from({ length: end - first }, (_, offset) => first + offset);
  await client.call("CLUSTER", "SET-CONFIG-EPOCH", index + 1);
  await client.call("CLUSTER", "ADDSLOTS", ...own);
}

function untilServing(node: RedisServer, masters: number): Promise<void> {
  const isServing = (state: string) =>
    state.includes("cluster_state:ok") && state.includes(`cluster_size:${masters}\r`);
  return untilAnswer(node, ["CLUSTER", "INFO"], isServing);
}
