import { isLoopback } from "../../src/config/loopback.ts";
import type { RedisConnectionOptions } from "../../src/redis/options.ts";
import { type Check, fine, type Verdict, warning, worstOf, wrong } from "./check.ts";
import type { RedisMaster, RedisServers } from "./redis-servers.ts";

const versionMin = 7;

const role = ofEachMaster("redis.role", "role", ({ info }, { options }) => {
  if (info.get("role") === "master") return fine("master");
  const [{ tls, password }] = options.nodes;
  const login = password === null ? "" : "<user>:<password>@";
  const master = `${info.get("master_host")}:${info.get("master_port")}`;
  return wrong(
    "a replica, and the sidecar speaks to masters only",
    `REDIS_URL=${tls ? "rediss" : "redis"}://${login}${master}`,
  );
});

const version = ofEachMaster("redis.version", "version", ({ info }) => {
  const full = info.get("redis_version") ?? "unknown";
  if (Number.parseInt(full, 10) >= versionMin) return fine(full);
  return wrong(
    `${full}, and the sidecar needs ${versionMin}.0 or newer`,
    `install Redis ${versionMin}.0 or newer, or Valkey`,
  );
});

const eviction = ofEachMaster("redis.eviction", "eviction", (master) => {
  const { info } = master;
  const policy = info.get("maxmemory_policy") ?? "unknown";
  if (policy === "noeviction") return fine("noeviction");
  const detail = `maxmemory-policy is ${policy}: a writer's marker could be evicted, and a lookup be stale`;
  return wrong(detail, configSet(master, "maxmemory-policy noeviction"));
});

const persistence = ofEachMaster("redis.persistence", "persistence", (master) => {
  const { info } = master;
  const isAppending = info.get("aof_enabled") === "1";
  const failed = [
    isAppending && info.get("aof_last_write_status") === "err" ? "append" : null,
    info.get("rdb_last_bgsave_status") === "err" ? "save a snapshot" : null,
  ].filter((failure) => failure !== null);
  if (failed.length > 0) {
    return wrong(
      `Redis could not ${failed.join(" or ")}, and may refuse writes until it can`,
      `df -h   # make room where Redis writes, then: ${master.cli} BGSAVE`,
    );
  }
  if (isAppending) return fine("appendonly yes");
  const isSaving = Number(info.get("rdb_saves") ?? 0) > 0;
  const lost = isSaving ? "what came after the last snapshot" : "everything";
  const detail = `appendonly is off: a restart loses ${lost}, and the replay guard's memory with it`;
  return warning(detail, configSet(master, "appendonly yes"));
});

const replicas = ofEachMaster("redis.replicas", "replicas", (master) => {
  const { info } = master;
  const connected = Number(info.get("connected_slaves") ?? 0);
  const inStep = info.get("min_slaves_good_slaves");
  if (inStep === undefined && connected > 0) {
    const detail = `${connected} connected, but min-replicas-to-write is 0: after a split, an old master still accepts writes`;
    return warning(detail, configSet(master, "min-replicas-to-write 1"));
  }
  if (inStep !== undefined && Number(inStep) === 0) {
    const detail = "min-replicas-to-write is set, but no replica is in step, so Redis refuses writes";
    return wrong(detail, configSet(master, "min-replicas-to-write 0"));
  }
  return fine(
    connected === 0
      ? "none: while Redis is away, set answers 503"
      : `${connected} connected, ${inStep} in step`,
  );
});

const runId = ofEachMaster("redis.run-id", "run_id", async ({ connection, info }) => {
  const seen = await connection.eval(
    "return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''",
    0,
  );
  return judgeRunId(info.get("run_id") ?? "", String(seen));
});

/** An epoch consists of what a script reads. */
export function judgeRunId(direct: string, inScript: string): Verdict {
  const isReal = (id: string) => /^[0-9a-f]{40}$/.test(id) && new Set(id).size > 1;
  if (isReal(inScript) && direct === inScript) return fine("visible to scripts, so a restart is noticed");
  const detail =
    "this service hides run_id, so a restart goes unnoticed: stale for at most REDIS_TTL_SECONDS after one";
  return warning(detail, "REDIS_TTL_SECONDS=60");
}

export const redisChecks: readonly Check<RedisServers>[] = [
  role,
  version,
  eviction,
  persistence,
  replicas,
  runId,
];

/** What can be checked without an answer of Redis. */
export const redisAddressChecks: readonly Check<RedisConnectionOptions>[] = [
  {
    id: "redis.tls",
    title: "encryption",
    examine({ nodes }) {
      const open = nodes.filter(({ host, tls }) => !tls && !isLoopback(host));
      if (open.length === 0)
        return fine(nodes.some(({ tls }) => tls) ? "TLS" : "none needed on this machine");
      return warning(
        "logins and values cross the network unencrypted",
        "REDIS_URL=rediss://…   # once Redis has a tls-port",
      );
    },
  },
];

function ofEachMaster(
  id: string,
  title: string,
  judge: (master: RedisMaster, servers: RedisServers) => Verdict | Promise<Verdict>,
): Check<RedisServers> {
  const examine = async (servers: RedisServers) =>
    worstOf(await Promise.all(servers.masters.map((master) => judge(master, servers))));
  return { id, title, examine };
}

/**
 * Returns the commands that set it for now and for the next start. Redis rewrites its configuration file if it was
 * started with one.
 */
export function configSet({ cli, info }: RedisMaster, setting: string): string {
  if (info.get("config_file")) return `${cli} CONFIG SET ${setting} && ${cli} CONFIG REWRITE`;
  return `${cli} CONFIG SET ${setting}   # and start Redis with: --${setting}`;
}
