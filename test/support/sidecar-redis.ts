import { Redis } from "ioredis";
import { type RedisOptions, type RedisServer, startRedis } from "../../scripts/servers/redis-server.ts";
import { createDeployment, followFix, itemsOf } from "./deployment.ts";

export interface SidecarRedis extends AsyncDisposable {
  readonly server: RedisServer;
  /** The URL for the sidecar's account, which has the permissions that a sidecar needs. */
  readonly url: string;
  /** The default user, who has all permissions and `administratorPassword`. */
  readonly administrator: Redis;
}

/** The password of the default user. redis-cli takes it from REDISCLI_AUTH. */
export const administratorPassword = "the password of the administrator";

const goodSettings = { appendonly: "yes", maxmemory: "256mb", "maxmemory-policy": "noeviction" };
const password = "the password of the sidecar";

/** Starts a Redis without faults. The line that the doctor prints has given its account the permissions. */
export async function createSidecarRedis(options: RedisOptions = {}): Promise<SidecarRedis> {
  const settings = { ...goodSettings, ...options.settings };
  const server = await startRedis({ ...options, password: administratorPassword, settings });
  const administrator = new Redis(server.url());
  await administrator.call("ACL", "SETUSER", "sidecar", "on", `>${password}`, "+@all", "~*", "&*");
  const url = `redis://sidecar:${encodeURIComponent(password)}@127.0.0.1:${server.port}`;
  await using deployment = await createDeployment({
    REDIS_URL: url,
    NODE_ENV: "development",
    REDISCLI_AUTH: administratorPassword,
  });
  const fix = (await itemsOf(deployment)).get("redis.account-excess")?.fix;
  if (!fix) throw new Error("the doctor finds nothing to take from an account that may do everything");
  await followFix(fix, deployment);
  return {
    server,
    url,
    administrator,
    async [Symbol.asyncDispose]() {
      administrator.disconnect();
      await server.remove();
    },
  };
}
