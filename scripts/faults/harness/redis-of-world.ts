import { type RedisCluster, startRedisCluster } from "../../servers/redis-cluster.ts";
import { type RedisSentinel, startRedisSentinel } from "../../servers/redis-sentinel.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";

export type RedisKind = "single" | "cluster" | "sentinel" | "none";

/** The Redis of a world. */
export type OpenRedis =
  | { readonly kind: "none"; readonly server: null }
  | { readonly kind: "single"; readonly server: RedisServer }
  | { readonly kind: "cluster"; readonly server: RedisCluster }
  | { readonly kind: "sentinel"; readonly server: RedisSentinel };

/** Starts a Redis of this kind. The settings are not for Sentinel. */
export async function openRedis(
  kind: RedisKind,
  settings: Readonly<Record<string, string>>,
): Promise<OpenRedis> {
  switch (kind) {
    case "none":
      return { kind, server: null };
    case "cluster":
      return { kind, server: await startRedisCluster({ settings }) };
    case "sentinel":
      return { kind, server: await startRedisSentinel() };
    case "single":
      return {
        kind,
        server: await startRedis({ settings: { "maxmemory-policy": "noeviction", ...settings } }),
      };
  }
}

/** @throws {Error} the Redis is of another kind */
export function presentOf<Kind extends RedisKind>(
  redis: OpenRedis,
  kind: Kind,
): Extract<OpenRedis, { kind: Kind }> {
  if (isOf(redis, kind)) return redis;
  throw new Error(`this world's Redis is "${redis.kind}", not "${kind}"`);
}

function isOf<Kind extends RedisKind>(
  redis: OpenRedis,
  kind: Kind,
): redis is Extract<OpenRedis, { kind: Kind }> {
  return redis.kind === kind;
}

/** Returns the settings of a sidecar that reaches this Redis, by way of a proxy if there is one. */
export function redisSettings(redis: OpenRedis, proxyPort: number | undefined): Record<string, string> {
  const addresses = (endpoints: readonly { host: string; port: number }[]) =>
    endpoints.map(({ host, port }) => `redis://${host}:${port}`).join(",");
  if (redis.kind === "none") return {};
  if (redis.kind === "single")
    return { REDIS_URL: withPort(redis.server.url(), proxyPort ?? redis.server.port) };
  const REDIS_URL = addresses(redis.server.endpoints());
  if (redis.kind === "cluster") return { REDIS_URL, REDIS_MODE: "cluster" };
  return { REDIS_URL, REDIS_MODE: "sentinel", REDIS_SENTINEL_MASTER: redis.server.masterName };
}

export function withPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href.replace(/\/$/, "");
}
