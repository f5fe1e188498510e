import type { Environment } from "../../src/config/setting-reader.ts";
import { shellWord } from "../../src/fix.ts";
import type { RedisConnectionOptions } from "../../src/redis/options.ts";
import { askDirectly } from "./redis-direct.ts";

/** What a command line begins with that an administrator can run against a server of this deployment. */
export interface RedisCli {
  /** Reaches the server that listens there. */
  at(host: string, port: number): string;
  /** Reaches whichever server the command itself names, as `--cluster` does. */
  anywhere(): string;
}

export interface RedisCliOptions {
  /** Whether the default user, whom redis-cli logs in as, has a password. */
  readonly needsLogin: boolean;
  /** Whether sentinels are spoken to, which may differ in using TLS. */
  readonly isForSentinels?: boolean;
}

/** redis-cli is told to ask for the password where one is needed and REDISCLI_AUTH does not hold it. */
export function redisCli(
  { nodes, sentinelTls }: RedisConnectionOptions,
  environment: Environment,
  { needsLogin: hasPassword, isForSentinels = false }: RedisCliOptions,
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
    ...(hasPassword && !environment.REDISCLI_AUTH ? ["--askpass"] : []),
  ];
  return {
    at: (host, port) => ["redis-cli", "-h", shellWord(host), "-p", port, ...options].join(" "),
    anywhere: () => ["redis-cli", ...options].join(" "),
  };
}

/** Whether the first node in REDIS_URL asks a stranger for a password; no guess is made where it does not answer. */
export async function needsLogin(options: RedisConnectionOptions): Promise<boolean> {
  const [node] = options.nodes;
  const isSentinel = options.mode === "sentinel";
  const place = isSentinel ? { ...node, tls: options.sentinelTls ?? node.tls } : node;
  const stranger = { username: null, password: null };
  return await askDirectly(place, stranger, options, (connection) => connection.ping()).then(
    () => false,
    (error: Error) => /NOAUTH|NOPERM/.test(error.message),
  );
}
