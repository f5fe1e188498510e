import slotOf from "cluster-key-slot";
import { Cluster, type Redis } from "ioredis";
import { batchWrites } from "./batch.ts";
import { backOff, commandMs, connectMs, nodeOptions, type RedisConnectionOptions } from "./options.ts";

/** A master that keeps keys, or should. */
export interface RedisSeat {
  /** host:port, as the Cluster announces it or REDIS_URL names it; `null` where no master serves some slots. */
  readonly address: string | null;
  /** `null`: there is no connection to it. */
  readonly master: Redis | null;
}

const slotCount = 16_384;

/** A Redis Cluster's client. `explain` is told why a node could not be asked, which the client itself does not say. */
export function connectCluster(options: RedisConnectionOptions, explain: (error: unknown) => void) {
  const [first] = options.nodes;
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
      // A certificate may hold names only: each connection resolves its own, and TLS compares it.
      dnsLookup: (host, callback) => callback(null, host),
      // A redirection without a host, such as "MOVED 7 :6380", means the host that was asked.
      natMap: (address) =>
        address.startsWith(":") ? { host: first.host, port: Number(address.slice(1)) } : null,
    },
  );
  const nodes = new Map<string, Redis>();
  client.on("+node", (node: Redis) => {
    batchWrites(node, commandMs);
    watchQuestions(node, explain);
    nodes.set(addressOf(node), node);
    // ioredis forgets a node that ends; the Cluster says whether it is still one, or who took over.
    node.on("end", () => client.status === "ready" && client.refreshSlotsCache());
  });
  client.on("-node", (node: Redis) => {
    if (nodes.get(addressOf(node)) === node) nodes.delete(addressOf(node));
  });
  function masterAt(address = ""): Redis | null {
    const node = nodes.get(address);
    return node !== undefined && !node.options.readOnly ? node : null;
  }
  return {
    client,
    seats: (): RedisSeat[] =>
      [...addressesOf(client)].map((address) => ({ address: address ?? null, master: masterAt(address) })),
    masterOf: (key: string) => masterAt(client.slots[slotOf(key)]?.[0]),
    onDisturbance(callback: (master: Redis) => void): void {
      client.on("+node", (node: Redis) => {
        node.on("close", () => callback(node));
      });
    },
  };
}

/** Where the masters are, as host:port; `undefined` among them if a slot has none. */
function addressesOf({ slots }: Cluster): Set<string | undefined> {
  return new Set(Array.from({ length: slotCount }, (_, slot) => slots[slot]?.[0]));
}

function addressOf({ options: { host, port } }: Redis): string {
  return `${host}:${port}`;
}

/** In a Cluster, ioredis itself decides when to connect to a node again. */
function clusterNodeOptions(options: RedisConnectionOptions) {
  const { retryStrategy: _, ...rest } = nodeOptions(options);
  return rest;
}

/**
 * ioredis asks for the map of a Cluster over a copy of a node's connection, hides why that failed, and passes over
 * masters that are announced without a host, which means the host that was asked (`cluster-preferred-endpoint-type
 * unknown-endpoint`).
 */
function watchQuestions(node: Redis, explain: (error: unknown) => void): void {
  const duplicate = node.duplicate.bind(node);
  node.duplicate = (override) => {
    const copy = duplicate(override);
    copy.on("error", explain);
    const ask = copy.sendCommand.bind(copy);
    copy.sendCommand = (command, stream) => {
      if (command.name !== "cluster") return ask(command, stream);
      const resolve = command.resolve.bind(command);
      command.resolve = (slots: unknown) => resolve(withHost(slots, node.options.host ?? ""));
      return ask(command, stream);
    };
    return copy;
  };
}

/** The reply of CLUSTER SLOTS: ranges of [first, last, [host, port, …], …]. */
function withHost(slots: unknown, askedHost: string): unknown {
  if (!Array.isArray(slots)) return slots;
  return slots.map((range) =>
    Array.isArray(range)
      ? range.map((part) => (Array.isArray(part) && !part[0] ? [askedHost, ...part.slice(1)] : part))
      : range,
  );
}
