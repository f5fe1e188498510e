import { Redis } from "ioredis";
import { type RedisCluster, sharedRedisCluster } from "../../scripts/servers/redis-cluster.ts";
import { type RedisSentinel, sharedRedisSentinel } from "../../scripts/servers/redis-sentinel.ts";
import { type RedisServer, sharedRedis } from "../../scripts/servers/redis-server.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import type { RedisAddress } from "../../src/config/redis-address.ts";
import {
  openRedisAdapters,
  type RedisAdapters,
  type RedisAdaptersOptions,
} from "../../src/redis/adapters.ts";
import type { HotCopyEvent } from "../../src/redis/hot-copy-options.ts";
import { plainConnection, type RedisConnectionOptions } from "../../src/redis/options.ts";
import type { ReplayGuardEvent } from "../../src/redis/redis-replay-guard.ts";
import { latestIssueTime } from "../../src/sessions/session-token.ts";

/** A Redis as a site may run it, with the settings of a sidecar and the servers that hold the keys. */
export interface RedisPlace {
  readonly connection: RedisConnectionOptions;
  readonly servers: readonly RedisServer[];
}

export function singlePlace(server: { port: number }, servers: readonly RedisServer[] = []): RedisPlace {
  return { connection: connectionTo("single", [server]), servers };
}

export function clusterPlace({ nodes }: Pick<RedisCluster, "nodes">): RedisPlace {
  return { connection: connectionTo("cluster", nodes), servers: nodes };
}

export function sentinelPlace({ sentinels, master, masterName }: RedisSentinel): RedisPlace {
  const connection = { ...connectionTo("sentinel", sentinels), sentinelMaster: masterName };
  return { connection, servers: [master] };
}

/** One of each kind. Nothing in them is ever stopped. */
export const sharedPlaces = [
  { name: "a single Redis", open: async () => placeOf(await sharedRedis()) },
  { name: "a Redis Cluster", open: async () => clusterPlace(await sharedRedisCluster()) },
  { name: "a Redis behind Sentinel", open: async () => sentinelPlace(await sharedRedisSentinel()) },
];

export function placeOf(server: RedisServer): RedisPlace {
  return singlePlace(server, [server]);
}

export interface OpenedStore extends RedisAdapters, AsyncDisposable {
  readonly keyPrefix: string;
  /** The events so far, in order. */
  readonly events: (HotCopyEvent | ReplayGuardEvent)[];
  /** Resolves when every master has answered and its grace is over. */
  filling(): Promise<void>;
}

/** Opens the sidecar's side of a Redis under its own key prefix, with times that suit a test. */
export function openStore(place: RedisPlace, changes: Partial<RedisAdaptersOptions> = {}): OpenedStore {
  const keyPrefix = `test:${crypto.randomUUID()}:`;
  const events: OpenedStore["events"] = [];
  const record = (event: HotCopyEvent | ReplayGuardEvent) => void events.push(event);
  const options: RedisAdaptersOptions = {
    connection: place.connection,
    keyPrefix,
    installation: installationUnder(changes.keyPrefix ?? keyPrefix),
    limits: { ttlMs: 60_000, tokenMs: 5000, quarantineMs: 10_000 },
    graceMs: 0,
    rememberMs: 60_000,
    sessions: { keepSeconds: 60, latestIssueTime: () => latestIssueTime(Date.now()) },
    onHashEvent: record,
    onGuardEvent: record,
    ...changes,
  };
  const store = openRedisAdapters(options);
  return {
    ...store,
    keyPrefix: options.keyPrefix,
    events,
    async filling() {
      const masters = place.connection.mode === "cluster" ? place.servers.length : 1;
      const isFilling = async () => store.isFilling() && store.liveMasters() === masters;
      if (!(await eventually(isFilling, true, 15_000))) throw new Error("the grace does not end");
    },
    async [Symbol.asyncDispose]() {
      store.close();
    },
  };
}

/**
 * Returns an installation for each prefix, so that tests which share a server do not look like two copies of one table.
 */
function installationUnder(keyPrefix: string): string {
  return new Bun.CryptoHasher("sha256").update(keyPrefix).digest("hex").slice(0, 16);
}

/**
 * Returns how often each command has been executed on the servers since `RESETSTAT`, including the commands of scripts.
 */
export async function commandCounts(servers: readonly RedisServer[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const server of servers) {
    const stats = await withRedis(server, (redis) => redis.info("commandstats"));
    for (const [, command = "", calls] of stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm))
      counts.set(command, (counts.get(command) ?? 0) + Number(calls));
  }
  return counts;
}

export async function resetCommandCounts(servers: readonly RedisServer[]): Promise<void> {
  for (const server of servers) await withRedis(server, (redis) => redis.config("RESETSTAT"));
}

/** Uses a direct connection without the sidecar. */
export async function withRedis<T>(
  server: { url(): string },
  work: (redis: Redis) => Promise<T>,
): Promise<T> {
  const redis = new Redis(server.url(), { enableReadyCheck: false });
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

function connectionTo(
  mode: RedisConnectionOptions["mode"],
  servers: readonly { port: number }[],
): RedisConnectionOptions {
  const [first, ...others] = servers.map(nodeAt);
  if (first === undefined) throw new Error("a Redis needs a server");
  return { mode, nodes: [first, ...others], ...plainConnection };
}

function nodeAt({ port }: { port: number }): RedisAddress {
  return { host: "127.0.0.1", port, username: null, password: null, database: 0, tls: false };
}
