import { shellWord } from "../../src/fix.ts";
import { explainAnothers, explainRival, findMarks } from "../../src/redis/installation.ts";
import { type Check, fine, warning, wrong } from "./check.ts";
import type { RedisServers } from "./redis-servers.ts";

const prefix: Check<RedisServers> = {
  id: "redis.installation",
  title: "key prefix",
  async examine(servers) {
    const { client, keys, keyPrefix, installation } = servers;
    if (installation === null) return unknownDatabase;
    const held = await client.get(keys.installation);
    if (held === installation) return fine("is this installation's own");
    if (held === null) return fine("not in use yet: the first start marks it");
    const { reason, fix } = explainAnothers(keys.installation, masterWith(servers));
    return wrong(`${reason}; ${fix}`, `REDIS_KEY_PREFIX=${prefixOfItsOwn(keyPrefix, installation)}`);
  },
};

const otherPrefixes: Check<RedisServers> = {
  id: "redis.other-prefix",
  title: "other prefixes",
  isScan: true,
  async examine(servers) {
    const { client, masters, keys, installation } = servers;
    if (installation === null) return unknownDatabase;
    const connections = masters.map(({ connection }) => connection);
    const [rival] = await findMarks({ client, masters: () => connections, keys, installation });
    if (rival === undefined) return fine("no other prefix holds the same table");
    const { reason, fix } = explainRival(keys.installation, rival, masterWith(servers));
    return wrong(`${reason}; ${fix}`, `${masterWith(servers)} DEL ${shellWord(rival)}`);
  },
};

const unknownDatabase = warning(
  "not examined, because DATABASE_URL is wrong",
  "bun run doctor   # again, with DATABASE_URL corrected",
);

export const redisInstallationChecks: readonly Check<RedisServers>[] = [prefix, otherPrefixes];

/** Differs for each installation, so that another one may follow the same advice. */
function prefixOfItsOwn(keyPrefix: string, installation: string): string {
  const longest = 50;
  return `${keyPrefix.slice(0, longest).replace(/:?$/, "-")}${installation.slice(0, 6)}:`;
}

/** In a Cluster, redis-cli follows the redirection to the master that holds the key. */
function masterWith({ masters: [{ cli }], options }: RedisServers): string {
  return options.mode === "cluster" ? `${cli} -c` : cli;
}
