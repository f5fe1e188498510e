import { join } from "node:path";
import { untilAnswer } from "./redis-answer.ts";
import { launchRedis, type RedisServer, startRedis } from "./redis-server.ts";
import { shareServer } from "./running-servers.ts";
import { requirePrograms } from "./server-binaries.ts";
import { serverFolder } from "./server-folder.ts";

export interface RedisSentinel extends AsyncDisposable {
  /** The name by which the sentinels know the master. */
  readonly masterName: string;
  /** The master and the replicas as they were started. A failover changes their roles. */
  readonly master: RedisServer;
  readonly replicas: readonly RedisServer[];
  readonly sentinels: readonly RedisServer[];
  /** Returns what a client needs to find the master. */
  endpoints(): { host: string; port: number }[];
  remove(): Promise<void>;
}

const masterName = "ownid";
/** The monitored master that this test process shares. Use your own key prefix on it, and never stop a part of it. */
export const sharedRedisSentinel = shareServer(startRedisSentinel);

/**
 * Starts a master with replicas in sync, and sentinels that know all of them and consider half a second of silence a
 * failure. A majority of the sentinels decides.
 *
 * @throws {ServerUnavailable} redis-server is not on this machine
 */
export async function startRedisSentinel({
  replicas = 1,
  sentinels = 1,
}: {
  replicas?: number;
  sentinels?: number;
} = {}): Promise<RedisSentinel> {
  requirePrograms("redis");
  const master = await startRedis();
  const followers = await Promise.all(times(replicas, () => startRedis({ replicaOf: master })));
  await untilAnswer(master, ["INFO", "replication"], (text) => text.split("state=online").length > replicas);
  const quorum = Math.floor(sentinels / 2) + 1;
  const watchers = await Promise.all(times(sentinels, () => startSentinel(master.port, quorum)));
  await Promise.all(watchers.map((watcher) => untilComplete(watcher, replicas, sentinels)));
  const remove = async () => {
    await Promise.all([...watchers, ...followers, master].map((server) => server.remove()));
  };
  return {
    masterName,
    master,
    replicas: followers,
    sentinels: watchers,
    endpoints: () => watchers.map((watcher) => ({ host: "127.0.0.1", port: watcher.port })),
    remove,
    [Symbol.asyncDispose]: remove,
  };
}

async function startSentinel(masterPort: number, quorum: number): Promise<RedisServer> {
  const dir = serverFolder("sentinel", null);
  const configuration = join(dir, "sentinel.conf");
  const lines = [
    "bind 127.0.0.1",
    `dir ${dir}`,
    `sentinel monitor ${masterName} 127.0.0.1 ${masterPort} ${quorum}`,
    `sentinel down-after-milliseconds ${masterName} 500`,
    `sentinel failover-timeout ${masterName} 2000`,
  ];
  await Bun.write(configuration, `${lines.join("\n")}\n`);
  return launchRedis("Redis Sentinel", dir, {}, [configuration, "--sentinel"]);
}

async function untilComplete(sentinel: RedisServer, replicas: number, sentinels: number): Promise<void> {
  const isComplete = (text: string) =>
    text.includes("status=ok,address=") && text.includes(`slaves=${replicas},sentinels=${sentinels}`);
  await untilAnswer(sentinel, ["INFO", "sentinel"], isComplete);
}

function times<T>(count: number, make: () => Promise<T>): Promise<T>[] {
  return Array.from({ length: count }, make);
}
