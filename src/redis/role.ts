import type { Explanation } from "./failures.ts";
import type { RedisConnectionOptions } from "./options.ts";

/** Returns the value of a field of INFO, or an empty text. */
export function infoField(info: string, name: string): string {
  return new RegExp(`^${name}:([^\\r\\n]+)`, "m").exec(info)?.[1] ?? "";
}

/** Returns why a server with this INFO must not hold keys, or `null` if it may. */
export function explainRole(info: string, mode: RedisConnectionOptions["mode"]): Explanation | null {
  const kind = infoField(info, "redis_mode");
  if (kind === "sentinel" && mode !== "sentinel") {
    return {
      reason: `REDIS_URL names a sentinel, but REDIS_MODE is ${mode}`,
      fix: "set REDIS_MODE=sentinel and REDIS_SENTINEL_MASTER",
    };
  }
  if (kind === "cluster" && mode !== "cluster") {
    return {
      reason: `the server is a node of a Redis Cluster, but REDIS_MODE is ${mode}`,
      fix: "set REDIS_MODE=cluster",
    };
  }
  if (infoField(info, "role") === "master") return null;
  const master = `${infoField(info, "master_host")}:${infoField(info, "master_port")}`;
  return {
    reason: `the server is not a master, but a replica of ${master}`,
    fix: mode === "single" ? `name ${master} in REDIS_URL` : "none needed: the master is looked for",
  };
}
