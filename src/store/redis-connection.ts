import { Cluster, Redis, type RedisOptions } from "ioredis";
import { scripts } from "./scripts.ts";

export interface RedisNode {
  readonly host: string;
  readonly port: number;
  readonly username: string | null;
  readonly password: string | null;
  readonly database: number;
  readonly tls: boolean;
}

export interface RedisConnectionOptions {
  readonly mode: "single" | "cluster" | "sentinel";
  /** The server, the Cluster's first nodes, or the sentinels. */
  readonly nodes: readonly [RedisNode, ...RedisNode[]];
  readonly sentinelMaster: string | null;
  readonly sentinelPassword: string | null;
  readonly tlsCa: string | null;
}

export interface RedisConnection {
  readonly client: Redis | Cluster;
  /** The masters that can be spoken to now. */
  masters(): readonly Redis[];
  /** Calls back whenever a connection has ended or a new one is ready. */
  onDisturbance(callback: () => void): void;
  /** What the last failed connection said, in ioredis' words; they contain no command. */
  lastProblem(): string | null;
  close(): void;
}

/** A command that takes longer is given up: the database answers instead. */
const commandMs = 500;
const connectMs = 1000;
const reconnectMsMax = 500;

/**
 * Connects to Redis as people run it. Commands of one tick travel together; none waits for a connection that
 * is not there, and none is sent twice by this layer.
 */
export function connectRedis(options: RedisConnectionOptions): RedisConnection {
  let problem: string | null = null;
  let disturbed = () => {};
  const connection = options.mode === "cluster" ? connectCluster(options) : connectSingle(options);
  const { client } = connection;
  client.on("error", (error: Error) => {
    problem = error.message;
  });
  client.on("ready", () => {
    problem = null;
    disturbed();
  });
  connection.onEnd(() => disturbed());

  return {
    client,
    masters: connection.masters,
    onDisturbance(callback) {
      disturbed = callback;
    },
    lastProblem: () => problem,
    close: () => client.disconnect(),
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
          ...(options.sentinelPassword === null ? {} : { sentinelPassword: options.sentinelPassword }),
          ...(node.tls ? { enableTLSForSentinelMode: true, sentinelTLS: tlsOf(options) } : {}),
        };
  const client = new Redis({
    ...place,
    ...nodeOptions(options),
    db: node.database,
    enableOfflineQueue: false,
    scripts,
  });
  return {
    client,
    masters: () => (client.status === "ready" ? [client] : []),
    onEnd: (callback: () => void) => client.on("close", callback),
  };
}

function connectCluster(options: RedisConnectionOptions) {
  const client = new Cluster(
    options.nodes.map(({ host, port }) => ({ host, port })),
    {
      enableAutoPipelining: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: backOff,
      slotsRefreshTimeout: connectMs,
      slotsRefreshInterval: 5000,
      retryDelayOnFailover: 50,
      maxRedirections: 4,
      redisOptions: clusterNodeOptions(options),
      scripts,
    },
  );
  const onEnd = (callback: () => void) =>
    client.on("+node", (node: Redis) => {
      for (const [name, script] of Object.entries(scripts)) node.defineCommand(name, script);
      node.on("close", callback);
      node.on("end", callback);
    });
  return { client, masters: () => client.nodes("master"), onEnd };
}

function nodeOptions(options: RedisConnectionOptions) {
  const [{ username, password, tls }] = options.nodes;
  return {
    enableAutoPipelining: true,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: commandMs,
    connectTimeout: connectMs,
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
