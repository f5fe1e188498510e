import { type Cluster, Redis } from "ioredis";
import { batchWrites } from "./batch.ts";
import { connectCluster, type RedisSeat } from "./cluster.ts";
import { type Explanation, explainConnectionFailure, isRefusal, isUnsent } from "./failures.ts";
import {
  backOff,
  commandMs,
  connectMs,
  nodeOptions,
  type RedisConnectionOptions,
  reconnectMsMax,
  tlsOptions,
} from "./options.ts";

export interface RedisConnection {
  readonly client: Redis | Cluster;
  /** Returns the masters that hold the keys, as far as they are known. */
  seats(): readonly RedisSeat[];
  /** Returns the same masters without their addresses; `null` for each without a connection. */
  masters(): readonly (Redis | null)[];
  /** Returns the master that holds this key, as far as it is known. */
  masterOf(key: string): Redis | null;
  /** Calls back whenever the connection to a master has ended or a new one is ready. */
  onConnectionChange(callback: (master: Redis) => void): void;
  /** Returns why the last connection failed, or `null` while there is one. */
  lastProblem(): Explanation | null;
  close(): void;
}

/**
 * Connects to a single Redis, a Cluster or Sentinel. Commands of one turn of the event loop are sent together. No
 * command waits for a connection that does not exist, and none is sent twice by this layer.
 */
export function connectRedis(options: RedisConnectionOptions): RedisConnection {
  let problem: Explanation | null = null;
  let wasReady = false;
  let isClosed = false;
  const explain = (error: unknown) => {
    problem = explainConnectionFailure(error, options);
  };
  const connection = options.mode === "cluster" ? connectCluster(options, explain) : connectSingle(options);
  const { client } = connection;
  client.on("error", (error: Error) => {
    const cause = causeOf(error);
    if (cause !== null) explain(cause);
    else if (problem === null) explain(error);
    // ioredis would continue in database 0.
    if (isRefusalOf(error, "select")) client.disconnect();
  });
  client.on("close", () => {
    // The end of a connection that was in use says nothing about the settings. We may have closed it ourselves.
    if (!wasReady) problem ??= explainConnectionFailure(new Error("Connection is closed."), options);
    wasReady = false;
  });
  client.on("ready", () => {
    wasReady = true;
    problem = null;
  });
  // ioredis gives up if a failover is announced while it reconnects, and nothing else would try again.
  client.on("end", () => {
    if (!isClosed) setTimeout(() => isClosed || client.connect().catch(() => {}), reconnectMsMax);
  });

  return {
    ...connection,
    masters: () => connection.seats().map(({ master }) => master),
    lastProblem: () => problem,
    close() {
      isClosed = true;
      client.disconnect();
    },
  };
}

function connectSingle(options: RedisConnectionOptions) {
  const [node] = options.nodes;
  const place = options.mode === "single" ? { host: node.host, port: node.port } : sentinelOptions(options);
  const client = new Redis({
    ...place,
    ...nodeOptions(options),
    db: node.database,
    enableOfflineQueue: false,
  });
  batchWrites(client, commandMs);
  const address = options.mode === "single" ? `${node.host}:${node.port}` : options.sentinelMaster;
  const masterOf = () => (client.status === "ready" ? client : null);
  return {
    client,
    seats: () => [{ address, master: masterOf() }],
    masterOf,
    onConnectionChange(callback: (master: Redis) => void): void {
      client.on("close", () => callback(client));
      client.on("ready", () => callback(client));
    },
  };
}

function sentinelOptions(options: RedisConnectionOptions) {
  const { nodes, sentinelMaster, sentinelUsername, sentinelPassword, sentinelTls } = options;
  return {
    sentinels: nodes.map(({ host, port }) => ({ host, port })),
    name: sentinelMaster ?? "mymaster",
    // Without the detector, the old master of a failover would receive writes for another ten seconds.
    failoverDetector: true,
    sentinelRetryStrategy: backOff,
    sentinelCommandTimeout: connectMs,
    ...(sentinelUsername === null ? {} : { sentinelUsername }),
    ...(sentinelPassword === null ? {} : { sentinelPassword }),
    ...(nodes[0].tls ? { enableTLSForSentinelMode: true } : {}),
    ...((sentinelTls ?? nodes[0].tls) ? { sentinelTLS: tlsOptions(options) } : {}),
  };
}

/** Returns what a node of the Cluster answered if the client reports only its own conclusion, or `null`. */
function causeOf(error: Error): Error | null {
  if (isUnsent(error)) return null;
  if (error.name !== "ClusterAllFailedError") return error;
  return "lastNodeError" in error && isRefusal(error.lastNodeError) ? error.lastNodeError : null;
}

function isRefusalOf(error: Error, command: string): boolean {
  if (!isRefusal(error) || !("command" in error)) return false;
  const { command: refused } = error;
  return typeof refused === "object" && refused !== null && "name" in refused && refused.name === command;
}
