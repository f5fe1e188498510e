import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { type Explanation, isRefusal } from "./failures.ts";
import type { RedisConnectionOptions } from "./options.ts";
import { explainRole, infoField } from "./role.ts";

/** The server is not one that may hold keys. */
export class ServerMisplaced extends Error {
  readonly explanation: Explanation;

  constructor(explanation: Explanation) {
    super(explanation.reason);
    this.explanation = explanation;
  }
}

/**
 * Asks a server for its epoch, in hex. If the server does not answer or must not hold keys, it is disconnected, so that
 * the next connection may lead to one that may.
 *
 * @throws {ServerMisplaced} or the error of the client
 */
export async function askEpoch(
  server: Redis,
  mode: RedisConnectionOptions["mode"],
  installation: string,
): Promise<string> {
  const info = await server.info("server", "replication").catch((error) => {
    // If the peer has vanished, the connection would stay silent for as long as TCP keeps it.
    if (!isRefusal(error)) server.disconnect(true);
    throw error;
  });
  const misplacement = explainRole(info, mode);
  if (misplacement === null) return epochIn(info, installation);
  server.disconnect(true);
  throw new ServerMisplaced(misplacement);
}

/** Computes the epoch like `epoch()` of lua/shared.lua, without a script. */
function epochIn(info: string, installation: string): string {
  const identity = `${infoField(info, "run_id")}:${infoField(info, "master_replid")}${installation}`;
  return createHash("sha1").update(identity).digest("hex").slice(0, 16);
}
