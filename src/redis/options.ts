import type { RedisOptions } from "ioredis";
import type { RedisAddress } from "../config/redis-address.ts";

export interface RedisConnectionOptions {
  readonly mode: "single" | "cluster" | "sentinel";
  /** The server, the Cluster's first nodes, or the sentinels. The login of the first one is that of all servers. */
  readonly nodes: readonly [RedisAddress, ...RedisAddress[]];
  readonly sentinelMaster: string | null;
  readonly sentinelUsername: string | null;
  readonly sentinelPassword: string | null;
  /** `null`: as the nodes. */
  readonly sentinelTls: boolean | null;
  readonly tlsCa: string | null;
  readonly clientCertificate: { readonly certificate: string; readonly key: string } | null;
}

/** Without sentinels and without TLS. */
export const plainConnection = {
  sentinelMaster: null,
  sentinelUsername: null,
  sentinelPassword: null,
  sentinelTls: null,
  tlsCa: null,
  clientCertificate: null,
} as const;

/** A command that takes longer is given up: the database answers instead. */
export const commandMs = 500;
export const connectMs = 1000;
export const reconnectMsMax = 500;
/** How long a connection that is given up may take to close. */
const disconnectMs = 200;

/** What every connection to a server that keeps keys is made with, and whichever tool asks one directly. */
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

/** The verification is asked for, since NODE_TLS_REJECT_UNAUTHORIZED=0 switches it off where nobody asks. */
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
