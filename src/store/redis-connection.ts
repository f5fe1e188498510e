import slotOf from "cluster-key-slot";
import { Cluster, Redis, type RedisOptions } from "ioredis";
import type { RedisAddress } from "../config/redis-address.ts";
import { batchWrites } from "./redis-batch.ts";
import { reasonOf } from "./redis-failures.ts";

export interface RedisConnectionOptions {
  readonly mode: "single" | "cluster" | "sentinel";
  /** The server, the Cluster's first nodes, or the sentinels. */
  readonly nodes: readonly [RedisAddress, ...RedisAddress[]];
  readonly sentinelMaster: string | null;
  readonly sentinelPassword: string | null;
  readonly tlsCa: string | null;
}

export interface RedisConnection {
  readonly client: Redis | Cluster;
  /** The masters that keep the keys; `null` for each that there is no connection to. */
  masters(): readonly (Redis | null)[];
  /** The one of them that keeps this key, as far as is known. */
  masterOf(key: string): Redis | null;
  /** Calls back whenever the connection to a master has ended or a new one is ready. */
  onDisturbance(callback: (master: Redis) => void): void;
  /** What the last failed connection said, without anything secret. */
  lastProblem(): string | null;
  close(): void;
}

/** A command that takes longer is given up: the database answers instead. */
const commandMs = 500;
const connectMs = 1000;
const reconnectMsMax = 500;
/** How long a connection that is given up may take to close. */
const disconnectMs = 200;
const slotCount = 16_384;

/**
 * Connects to Redis as people run it. Commands of one tick travel together; none waits for a connection that
 * is not there, and none is sent twice by this layer.
 */
export function connectRedis(options: RedisConnectionOptions): RedisConnection {
  let problem: string | null = null;
  let isClosed = false;
  const connection = options.mode === "cluster" ? connectCluster(options) : connectSingle(options);
  const { client } = connection;
  client.on("error", (error: Error) => {
    problem = reasonOf(error);
  });
  client.on("close", () => {
    problem ??= "the connection was closed";
  });
  client.on("ready", () => {
    problem = null;
  });
  // ioredis gives up when a failover is announced in the middle of a reconnect; nobody else would try again.
  client.on("end", () => {
    if (!isClosed) setTimeout(() => isClosed || client.connect().catch(() => {}), reconnectMsMax);
  });

  return {
    ...connection,
    lastProblem: () => problem,
    close() {
      isClosed = true;
      client.disconnect();
    },
  };
}

function connectSingle(options: RedisConnectionOptions) {
  const [node] = options.nodes;
  const place =
    options.mode === "single"
      ? { host: node.host, port: node.port }
      : {
          sentinels: options.nodes.map(({ host, port }) => ({ host, port })),
          name: options.sentinelMaster ?? "mymaster",
          // Without it the old master of a failover is written to for another ten seconds.
          failoverDetector: true,
          sentinelRetryStrategy: backOff,
          sentinelCommandTimeout: connectMs,
          ...(options.sentinelPassword === null ? {} : { sentinelPassword: options.sentinelPassword }),
          ...(node.tls ? { enableTLSForSentinelMode: true, sentinelTLS: tlsOf(options) } : {}),
        };
  const client = new Redis({
    ...place,
    ...nodeOptions(options),
    db: node.database,
    enableOfflineQueue: false,
  });
  batchWrites(client, commandMs);
  const masterOf = () => (client.status === "ready" ? client : null);
  return {
    client,
    masters: () => [masterOf()],
    masterOf,
    onDisturbance(callback: (master: Redis) => void): void {
      client.on("close", () => callback(client));
      client.on("ready", () => callback(client));
    },
  };
}

function connectCluster(options: RedisConnectionOptions) {
  const client = new Cluster(
    options.nodes.map(({ host, port }) => ({ host, port })),
    {
      enableOfflineQueue: false,
      clusterRetryStrategy: backOff,
      slotsRefreshTimeout: connectMs,
      slotsRefreshInterval: 5000,
      retryDelayOnFailover: 50,
      maxRedirections: 4,
      redisOptions: clusterNodeOptions(options),
    },
  );
  const nodes = new Map<string, Redis>();
  client.on("+node", (node: Redis) => {
    batchWrites(node, commandMs);
    nodes.set(placeOf(node), node);
    // ioredis forgets a node that ends; the Cluster says whether it is still one, or who took over.
    node.on("end", () => client.status === "ready" && client.refreshSlotsCache());
  });
  client.on("-node", (node: Redis) => {
    if (nodes.get(placeOf(node)) === node) nodes.delete(placeOf(node));
  });
  function masterAt(place = ""): Redis | null {
    const node = nodes.get(place);
    return node !== undefined && !node.options.readOnly ? node : null;
  }
  return {
    client,
    masters: () => [...placesOf(client)].map((place) => masterAt(place)),
    masterOf: (key: string) => masterAt(client.slots[slotOf(key)]?.[0]),
    onDisturbance(callback: (master: Redis) => void): void {
      client.on("+node", (node: Redis) => {
        node.on("close", () => callback(node));
      });
    },
  };
}

/** Where the masters are, as host:port; `undefined` among them if a slot has none. */
function placesOf({ slots }: Cluster): Set<string | undefined> {
  return new Set(Array.from({ length: slotCount }, (_, slot) => slots[slot]?.[0]));
}

function placeOf({ options: { host, port } }: Redis): string {
  return `${host}:${port}`;
}

function nodeOptions(options: RedisConnectionOptions) {
  const [{ username, password, tls }] = options.nodes;
  return {
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: connectMs,
    disconnectTimeout: disconnectMs,
    retryStrategy: backOff,
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(tls ? { tls: tlsOf(options) } : {}),
  } satisfies RedisOptions;
}

/** In a Cluster, ioredis itself decides when to connect to a node again. */
function clusterNodeOptions(options: RedisConnectionOptions) {
  const { retryStrategy: _, ...rest } = nodeOptions(options);
  return rest;
}

function tlsOf({ tlsCa }: RedisConnectionOptions) {
  return tlsCa === null ? {} : { ca: tlsCa };
}

function backOff(attempts: number): number {
  return Math.min(50 * attempts, reconnectMsMax);
}
