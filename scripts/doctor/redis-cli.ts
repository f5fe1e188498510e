import type { Environment } from "../../src/config/setting-reader.ts";
import { shellWord } from "../../src/fix.ts";
import type { RedisConnectionOptions } from "../../src/redis/options.ts";
import { askDirectly } from "./redis-direct.ts";

/** Builds the beginning of a command line that an administrator can run against a server of this deployment. */
export interface RedisCli {
  /** Reaches the server that listens there. */
  at(host: string, port: number): string;
  /** Reaches the server that the command itself names, as `--cluster` does. */
  anywhere(): string;
}

export interface RedisCliOptions {
  /** Whether the default user, as whom redis-cli logs in, has a password. */
  readonly needsLogin: boolean;
  /** Whether the servers are sentinels, which may differ in using TLS. */
  readonly isForSentinels?: boolean;
}

/** redis-cli is told to ask for the password if one is needed and REDISCLI_AUTH does not contain it. */
export function redisCli(
  { nodes, sentinelTls }: RedisConnectionOptions,
  environment: Environment,
  { needsLogin, isForSentinels = false }: RedisCliOptions,
): RedisCli {
  const [{ tls }] = nodes;
  const usesTls = isForSentinels ? (sentinelTls ?? tls) : tls;
  const file = (option: string, name: string) => {
    const path = environment[name];
    return path ? [option, shellWord(path)] : [];
  };
  const options = [
    ...(usesTls ? ["--tls"] : []),
    ...(usesTls ? file("--cacert", "REDIS_TLS_CA_FILE") : []),
    ...(usesTls ? file("--cert", "REDIS_TLS_CERT_FILE") : []),
    ...(usesTls ? file("--key", "REDIS_TLS_KEY_FILE") : []),
    ...(needsLogin && !environment.REDISCLI_AUTH ? ["--askpass"] : []),
  ];
  return {
    at: (host, port) => ["redis-cli", "-h", shellWord(host), "-p", port, ...options].join(" "),
    anywhere: () => ["redis-cli", ...options].join(" "),
  };
}

/** Returns whether the first node in REDIS_URL requires a password. Nothing is assumed if it does not answer. */
export async function requiresPassword(options: RedisConnectionOptions): Promise<boolean> {
  const [node] = options.nodes;
  const isSentinel = options.mode === "sentinel";
  const place = isSentinel ? { ...node, tls: options.sentinelTls ?? node.tls } : node;
  const stranger = { username: null, password: null };
  return await askDirectly(place, stranger, options, (connection) => connection.ping()).then(
    () => false,
    (error: Error) => /NOAUTH|NOPERM/.test(error.message),
  );
}
