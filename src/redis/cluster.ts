import slotOf from "cluster-key-slot";
import { Cluster, type Redis } from "ioredis";
import { batchWrites } from "./batch.ts";
import { backOff, commandMs, connectMs, nodeOptions, type RedisConnectionOptions } from "./options.ts";

/** A master that holds keys, or that should. */
export interface RedisSeat {
  /** host:port, as the Cluster announces it or REDIS_URL names it; `null` if no master serves some of the slots. */
  readonly address: string | null;
  /** `null` if there is no connection to it. */
  readonly master: Redis | null;
}

const slotCount = 16_384;

/**
 * Connects to a Redis Cluster. `explain` is called with the reason why a node could not be asked, which the client
 * itself does not reveal.
 */
export function connectCluster(options: RedisConnectionOptions, explain: (error: unknown) => void) {
  const [first] = options.nodes;
  const client = new Cluster(
    options.nodes.map(({ host, port }) => ({ host, port })),
    {
      enableOfflineQueue: false,
      clusterRetryStrategy: backOff,
      slotsRefreshTimeout: connectMs,
      slotsRefreshInterval: 5000,
      // ioredis would send a command again whose connection has ended, although it may have run.
      retryDelayOnFailover: 0,
      maxRedirections: 4,
      redisOptions: clusterNodeOptions(options),
      // A certificate may contain only host names. Each connection therefore resolves the name itself, and TLS
      // compares it.
      dnsLookup: (host, callback) => callback(null, host),
      // A redirection without a host, such as "MOVED 7 :6380", means the host that was asked.
      natMap: (address) =>
        address.startsWith(":") ? { host: first.host, port: Number(address.slice(1)) } : null,
    },
  );
  let ranges = rangesOf(client);
  client.on("refresh", () => {
    ranges = rangesOf(client);
    separateSlots(client);
  });
  const nodes = new Map<string, Redis>();
  client.on("+node", (node: Redis) => {
    batchWrites(node, commandMs);
    watchQuestions(node, explain);
    nodes.set(addressOf(node), node);
    // ioredis forgets a node whose connection ends. The Cluster knows whether it is still a master, or which node has
    // taken over.
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
    seats(): RedisSeat[] {
      const addresses = new Set(ranges.map((nodes) => nodes?.[0]));
      return [...addresses].map((address) => ({ address: address ?? null, master: masterAt(address) }));
    },
    masterOf: (key: string) => masterAt(client.slots[slotOf(key)]?.[0]),
    onConnectionChange(callback: (master: Redis) => void): void {
      client.on("+node", (node: Redis) => {
        node.on("close", () => callback(node));
      });
    },
  };
}

/**
 * Returns the addresses of the nodes of each range of slots as host:port, the master's first, and `undefined` if a slot
 * has none. After a refresh, all slots of a range have one array.
 */
function rangesOf({ slots }: Cluster): readonly (readonly string[] | undefined)[] {
  return [...new Set(Array.from({ length: slotCount }, (_, slot) => slots[slot]))];
}

/**
 * Gives each slot an array of its own. When one slot has moved, ioredis replaces the master in its array, and until the
 * next refresh the other slots of the range would seem to have moved as well, and their master to be gone.
 */
function separateSlots({ slots }: Cluster): void {
  for (let slot = 0; slot < slotCount; slot += 1) {
    const addresses = slots[slot];
    if (addresses !== undefined) slots[slot] = [...addresses];
  }
}

function addressOf({ options: { host, port } }: Redis): string {
  return `${host}:${port}`;
}

/** In a Cluster, ioredis itself decides when to reconnect to a node. */
function clusterNodeOptions(options: RedisConnectionOptions) {
  const { retryStrategy: _, ...rest } = nodeOptions(options);
  return rest;
}

/**
 * ioredis asks for the map of a Cluster over a duplicate of a node's connection, hides why that failed, and ignores
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

/** Fills in the reply of CLUSTER SLOTS: ranges of [first, last, [host, port, …], …]. */
function withHost(slots: unknown, askedHost: string): unknown {
  if (!Array.isArray(slots)) return slots;
  return slots.map((range) =>
    Array.isArray(range)
      ? range.map((part) => (Array.isArray(part) && !part[0] ? [askedHost, ...part.slice(1)] : part))
      : range,
  );
}
