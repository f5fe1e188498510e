import { Redis } from "ioredis";
import type { RedisConnectionOptions } from "../../src/store/redis-connection.ts";
import { tlsOptions } from "../../src/store/redis-options.ts";

interface Place {
  readonly host: string;
  readonly port: number;
}

interface Login {
  readonly username: string | null;
  readonly password: string | null;
}

const answerMs = 1000;

/** Asks one server itself, with its own login or with none, whatever role it has; then hangs up. */
export async function askDirectly<Answer>(
  { host, port }: Place,
  { username, password }: Login,
  options: RedisConnectionOptions,
  ask: (connection: Redis) => Promise<Answer>,
): Promise<Answer> {
  const [{ tls }] = options.nodes;
  const connection = new Redis({
    host,
    port,
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(tls ? { tls: tlsOptions(options) } : {}),
    enableReadyCheck: false,
    connectTimeout: answerMs,
    commandTimeout: answerMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  connection.on("error", () => {});
  try {
    return await ask(connection);
  } finally {
    connection.disconnect();
  }
}
