import type { RedisOptions } from "ioredis";
import type { RedisAddress } from "../config/redis-address.ts";

export interface RedisConnectionOptions {
  readonly mode: "single" | "cluster" | "sentinel";
  /**
   * The server, the first nodes of the Cluster, or the sentinels. The login of the first one is used for all servers.
   */
  readonly nodes: readonly [RedisAddress, ...RedisAddress[]];
  readonly sentinelMaster: string | null;
  readonly sentinelUsername: string | null;
  readonly sentinelPassword: string | null;
  /** `null`: the sentinels use TLS if the nodes do. */
  readonly sentinelTls: boolean | null;
  readonly tlsCa: string | null;
  readonly clientCertificate: { readonly certificate: string; readonly key: string } | null;
}

/** The options without sentinels and without TLS. */
export const plainConnection = {
  sentinelMaster: null,
  sentinelUsername: null,
  sentinelPassword: null,
  sentinelTls: null,
  tlsCa: null,
  clientCertificate: null,
} as const;

/** How long a command may take. After that it is given up, and the database is asked instead. */
export const commandMs = 500;
export const connectMs = 1000;
export const reconnectMsMax = 500;
/** How long a connection that is given up may take to close. */
const disconnectMs = 200;

/** Returns the options of every connection to a server that holds keys, also for tools that connect directly. */
export function nodeOptions(options: RedisConnectionOptions) {
  const [{ username, password, tls }] = options.nodes;
  return {
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: connectMs,
    disconnectTimeout: disconnectMs,
    retryStrategy: backOff,
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(tls ? { tls: tlsOptions(options) } : {}),
  } satisfies RedisOptions;
}

/** Verification is requested explicitly, since NODE_TLS_REJECT_UNAUTHORIZED=0 turns it off otherwise. */
export function tlsOptions({ tlsCa, clientCertificate }: RedisConnectionOptions) {
  return {
    rejectUnauthorized: true,
    ...(tlsCa === null ? {} : { ca: tlsCa }),
    ...(clientCertificate === null
      ? {}
      : { cert: clientCertificate.certificate, key: clientCertificate.key }),
  };
}

export function backOff(attempts: number): number {
  return Math.min(50 * attempts, reconnectMsMax);
}
