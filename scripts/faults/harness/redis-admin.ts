import { Redis } from "ioredis";
import type { RedisServer } from "../../servers/redis-server.ts";

/** One command to a server itself, past every proxy and sidecar. */
export async function tellRedis(
  server: RedisServer,
  ...command: [string, ...(string | number)[]]
): Promise<unknown> {
  const client = new Redis(server.url(), { enableReadyCheck: false, maxRetriesPerRequest: 1 });
  client.on("error", () => {});
  try {
    const [name, ...args] = command;
    return await client.call(name, ...args);
  } finally {
    client.disconnect();
  }
}

/** What a server holds as a user's value, believed or not. */
export async function heldValue(server: RedisServer, loginId: string): Promise<string | null> {
  const value = await tellRedis(server, "HGET", userKey(loginId), "v");
  return value === null ? null : String(value);
}

export const userKey = (loginId: string) => `ownid:user:${loginId}`;
