import { shellWord } from "../../src/fix.ts";
import { explainRedisFailure } from "../../src/redis/failures.ts";
import { scripts } from "../../src/redis/scripts.ts";
import { type Check, fine, warning, worstOf, wrong } from "./check.ts";
import { askDirectly } from "./redis-direct.ts";
import type { RedisServers } from "./redis-servers.ts";
import type { Explanation } from "./runner.ts";

/**
 * Every command that the sidecar and its tools send to Redis, also within scripts. `test/integration/doctor.test.ts`
 * removes each of them in turn and sees something refused.
 */
export const commandsNeeded = [
  "hmget",
  "hget",
  "hset",
  "hdel",
  "hgetall",
  "get",
  "set",
  "pexpire",
  "pttl",
  "persist",
  "scan",
  "dbsize",
  "eval",
  "evalsha",
  "info",
  "time",
] as const;

/** The name for an account if the sidecar has none of its own. */
const accountName = "ownid-sidecar";
const probeMs = 1000;

const account: Check<RedisServers> = {
  id: "redis.account",
  title: "account can do its work",
  async examine(servers) {
    const problems = await tryAllWork(servers);
    const refused = problems.filter(({ isRefused }) => isRefused).map(({ work }) => work);
    if (refused.length > 0) return wrong(`the account may not: ${refused.join(", ")}`, aclLine(servers));
    const [failed] = problems;
    if (failed === undefined) return fine("every command that the sidecar sends was tried and works");
    return wrong(`cannot ${failed.work}: ${failed.reason}`, failed.fix);
  },
};

const excess: Check<RedisServers> = {
  id: "redis.account-excess",
  title: "account can do no more",
  async examine(servers) {
    const tried = Object.entries(beyond(servers)).map(async ([what, attempt]) =>
      (await isAllowed(attempt)) ? what : null,
    );
    const allowed = (await Promise.all(tried)).filter((what) => what !== null);
    if (allowed.length === 0) return fine("keys of others and administration are refused");
    const isOpen = servers.options.nodes[0].password === null;
    const detail = `${isOpen ? "anyone, without a password, may" : "the account may also"} ${allowed.join(", ")}`;
    const isOwn = servers.options.nodes[0].username !== null;
    return warning(
      isOwn ? detail : `${detail}; give the sidecar an account of its own, and name it in REDIS_URL`,
      aclLine(servers),
    );
  },
};

const everyone: Check<RedisServers> = {
  id: "redis.default-user",
  title: "default user",
  async examine({ options, masters }) {
    if (options.nodes[0].password === null) return fine("the sidecar itself uses no password");
    const nobody = { username: null, password: null };
    const verdicts = masters.map(async ({ host, port, cli }) => {
      const isOpen = await isAllowed(() =>
        askDirectly({ host, port, tls: options.nodes[0].tls }, nobody, options, (connection) =>
          connection.ping(),
        ),
      );
      if (!isOpen) return fine("requires a password");
      const close = `${cli} ACL SETUSER default resetpass '><password>'`;
      return warning("whoever can reach Redis can use it without a password", `${close}   # ${keepAcl}`);
    });
    return worstOf(await Promise.all(verdicts));
  },
};

export const redisAccountChecks: readonly Check<RedisServers>[] = [account, excess, everyone];

/** What an operator must do so that the change survives a restart. */
const keepAcl = "then ACL SAVE, or CONFIG REWRITE if there is no aclfile";

/** Grants the account what it needs and nothing else. An existing password is kept. */
function aclLine({ masters, options, keyPrefix }: RedisServers): string {
  const [{ username, database }] = options.nodes;
  const isShared = username === null || username === "default";
  const login = isShared ? [accountName, "on", "><password>"] : [username, "on"];
  const pattern = `~${keyPrefix.replaceAll(/[\\*?[\]]/g, "\\$&")}*`;
  const commands = [
    ...commandsNeeded,
    ...(database === 0 ? [] : ["select"]),
    ...(options.mode === "cluster" ? ["cluster|slots", "cluster|info", "asking"] : []),
  ].map((command) => `+${command}`);
  const rules = [...login, "resetkeys", pattern, "resetchannels", "nocommands", ...commands];
  return masters
    .map(({ cli }) => `${cli} ACL SETUSER ${rules.map(shellWord).join(" ")}   # ${keepAcl}`)
    .join("\n");
}

interface Problem extends Explanation {
  readonly work: string;
  /** Whether the account's rules refuse it. */
  readonly isRefused: boolean;
}

/** Tries all that a sidecar does, and returns what failed. The keys that it writes expire within a second. */
async function tryAllWork(servers: RedisServers): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const [work, attempt] of Object.entries(worksOf(servers))) {
    try {
      await attempt();
    } catch (error) {
      const message = error instanceof Error ? error.message : "";
      const isRefused = /NOPERM|can't run this command|ACL failure/.test(message);
      problems.push({ work, isRefused, ...explainRedisFailure(error) });
    }
  }
  return problems;
}

/** Returns each kind of work in the order in which it must be tried, since some steps continue earlier ones. */
function worksOf({ client, masters, keys, ttlMs }: RedisServers): Record<string, () => Promise<unknown>> {
  const key = keys.user(`doctor-${crypto.randomUUID()}`);
  const seen = keys.seen(crypto.getRandomValues(new Uint8Array(32)));
  const lifeMs = ttlMs === 0 ? 0 : probeMs;
  let begun: readonly string[] = [];
  const fill = async () => {
    const [, token = "", epoch = ""] = await scripts.readHash(client, key, "token", probeMs);
    await scripts.fillHash(client, key, epoch, token, "probe", lifeMs);
  };
  return {
    "look a user up": () => client.hmgetBuffer(key, "e", "v", "n"),
    // Needed if Redis does not have a script yet. It may have it at this moment.
    "send a script": () => client.eval("return redis.call('HGET', KEYS[1], 'v')", 1, key),
    "fill a hash": fill,
    "begin a write": async () => {
      const [, epoch = "", token = ""] =
        (await scripts.beginWrite(client, key, "doctor", "token", probeMs)) ?? [];
      begun = [epoch, token];
    },
    "read beside a writer": () => scripts.readHash(client, key, "token", probeMs),
    "end a write": () => {
      const [epoch = "", token = ""] = begun;
      return scripts.endWrite(client, key, "doctor", epoch, token, "fresh", "probe", lifeMs, probeMs);
    },
    "mark a hash as stale": () => scripts.markStale(client, key, "token", "fresh", probeMs),
    "clear the mark of a stale hash": () => scripts.clearStale(client, key, "mark"),
    "forget a value": () => scripts.purgeHash(client, key, "token", probeMs),
    "record an epoch": () =>
      scripts.recordEpoch(client, keys.epoch(`doctor-${crypto.randomUUID()}`), probeMs),
    "claim a signature": () => client.set(seen, "session:failed", "PX", probeMs, "NX", "GET"),
    "reopen a signature": () => scripts.reopenSeen(client, seen, "session:failed", "session:open"),
    "read a signature's use": () => client.get(seen),
    "end a user's sessions": () =>
      scripts.revokeUser(client, keys.revokedBefore(`doctor-${crypto.randomUUID()}`), 0, probeMs),
    "go through all hashes": () =>
      Promise.all(masters.map(({ connection }) => connection.scan(0, "MATCH", keys.everyUser, "COUNT", 1))),
    "count all keys": () => Promise.all(masters.map(({ connection }) => connection.dbsize())),
  };
}

/** Harmless commands that a sidecar never sends. */
function beyond({ client, keys, keyPrefix, masters }: RedisServers): Record<string, () => Promise<unknown>> {
  const [{ connection }] = masters;
  const name = `doctor-${crypto.randomUUID()}`;
  return {
    "read the server's settings": () => connection.config("GET", "maxmemory"),
    "manage accounts": () => connection.call("ACL", "WHOAMI"),
    "delete keys": () => client.del(keys.user(name)),
    "publish messages": () => connection.publish(name, ""),
    ...(keyPrefix === "" ? {} : { "reach other keys": () => client.hget(name, "v") }),
  };
}

async function isAllowed(attempt: () => Promise<unknown>): Promise<boolean> {
  try {
    await attempt();
    return true;
  } catch {
    return false;
  }
}
