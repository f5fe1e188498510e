import { Redis } from "ioredis";
import type { RedisServer } from "../../servers/redis-server.ts";
import { untilTrue } from "./load.ts";

/** Sends one command directly to a server. */
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

/** Returns the value in a user's hash, whether or not sidecars believe it. */
export async function heldValue(server: RedisServer, loginId: string): Promise<string | null> {
  const value = await tellRedis(server, "HGET", userKey(loginId), "v");
  return value === null ? null : String(value);
}

/** Waits until a write of this user has begun. */
export function untilMarked(server: RedisServer, loginId: string): Promise<number> {
  const isMarked = async () => (await tellRedis(server, "HEXISTS", userKey(loginId), "n")) === 1;
  return untilTrue("the writer's marker is there", isMarked, { everyMs: 5 });
}

export const userKey = (loginId: string) => `ownid:user:${loginId}`;
