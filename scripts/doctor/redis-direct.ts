import { Redis } from "ioredis";
import type { RedisConnectionOptions } from "../../src/redis/options.ts";
import { tlsOptions } from "../../src/redis/options.ts";

interface Place {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

interface Login {
  readonly username: string | null;
  readonly password: string | null;
}

const answerMs = 1000;

/**
 * Asks one server itself, with its login or with none, whatever role it has, and closes the connection.
 *
 * @throws {Error} the true cause if the connection could not be made
 */
export async function askDirectly<Answer>(
  { host, port, tls }: Place,
  { username, password }: Login,
  options: RedisConnectionOptions,
  ask: (connection: Redis) => Promise<Answer>,
): Promise<Answer> {
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
  let cause: Error | null = null;
  connection.on("error", (error) => {
    cause = error;
  });
  try {
    return await ask(connection);
  } catch (error) {
    throw cause ?? error;
  } finally {
    connection.disconnect();
  }
}
