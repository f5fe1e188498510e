import { ask, type Reply, readValue } from "../harness/client.ts";
import { combine, experiment, type Progress, unless } from "../harness/experiment.ts";
import type { Verdict } from "../harness/history.ts";
import { untilTrue } from "../harness/load.ts";
import { tellRedis } from "../harness/redis-admin.ts";
import { type Sidecar, startSidecar } from "../harness/sidecar.ts";
import { startWorld, type World } from "../harness/world.ts";

export const sharedRedis = experiment({
  id: "shared-redis",
  title:
    "two installations with the same login ids share one Redis Cluster and one key prefix; then a master is down",
  passes:
    "0 answers contain the other installation's data, and readyz names the other installation and the master that is down",
  small: { rounds: 30 },
  full: { rounds: 600 },
  async run({ rounds }, progress) {
    await using world = await startWorld({
      sidecars: 1,
      users: 8,
      redis: "cluster",
      redisSettings: { "cluster-require-full-coverage": "no" },
      times: { ttlSeconds: 30 },
    });
    await createAdmins(world);
    const users = world.sidecar(0);
    await world.untilFilling();
    const admins = await startSidecar("admins", { ...world.settings, USERS_TABLE: "admins" });
    try {
      const sides: Sides = { users, admins };
      const mixed = await mixRequests(world, sides, rounds, progress);
      if (mixed.failures.length > 0) return mixed;
      return combine(mixed, await loseMaster(world, await ownerOf(sides)));
    } finally {
      await admins.remove();
    }
  },
});

type Side = "users" | "admins";
type Sides = Readonly<Record<Side, Sidecar>>;

/**
 * Creates a second table with the same login ids, for example staging beside production, or customers beside employees.
 */
async function createAdmins({ site }: World): Promise<void> {
  await site.run('CREATE TABLE admins (email text PRIMARY KEY, "ownIdData" text)');
  await site.run("INSERT INTO admins (email) SELECT email FROM users");
}

/** Every value names its installation, so that an answer with the other's data is recognized. */
async function mixRequests(
  { site, cluster, times }: World,
  sides: Sides,
  rounds: number,
  progress: Progress,
): Promise<Verdict> {
  const counts = { answers: 0, values: 0, others: 0, failed: 0 };
  const count = (side: Side, reply: Reply) => {
    const value = readValue(reply) ?? "";
    counts.answers += 1;
    if (value !== "") counts.values += 1;
    if (value !== "" && !value.startsWith(side)) counts.others += 1;
    if (reply.status >= 500 || reply.status === 0) counts.failed += 1;
  };
  await Bun.sleep(times.graceMs);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, loginId] of site.loginIds.entries()) {
      const side: Side = (round + index) % 2 === 0 ? "users" : "admins";
      if ((round + index) % 3 === 0) await ask.set(sides[side], loginId, `${side} ${round}`);
      const both = (["users", "admins"] as const).flatMap((each) => [each, each]);
      await Promise.all(both.map(async (each) => count(each, await ask.get(sides[each], loginId))));
    }
    // The next sidecar that asks then owns the prefix.
    if (round === Math.floor(rounds / 2)) await forgetOwner(cluster.nodes);
    if (round % 20 === 0) progress(`${round} of ${rounds} rounds`);
  }
  const hits = (await sides.users.counted()).get("hash hit") ?? 0;
  return {
    figures: {
      answers: counts.answers,
      "answers with a value": counts.values,
      "answers with the other's data": counts.others,
      "hits of the first installation": hits,
    },
    failures: unless({
      [`${counts.others} answers contained the other installation's data`]: counts.others === 0,
      [`${counts.failed} lookups failed`]: counts.failed === 0,
      "no answer had a value": counts.values > 0,
      "there was no hit": hits > 0,
    }),
  };
}

/**
 * Deletes the key that names the owner of the prefix. It is on one master, and the others answer with a redirection.
 */
async function forgetOwner(nodes: World["cluster"]["nodes"]): Promise<void> {
  for (const node of nodes) await tellRedis(node, "DEL", "ownid:installation").catch(() => {});
}

/** Returns the installation that owns the prefix. The other one reports that it does not. */
async function ownerOf({ users, admins }: Sides): Promise<Sidecar> {
  const reportsOther = async (sidecar: Sidecar) =>
    /belong to another installation/.test((await sidecar.readiness()).redisReason);
  const doesOneReport = async () => (await reportsOther(users)) !== (await reportsOther(admins));
  await untilTrue("one installation reports the other", doesOneReport);
  return (await reportsOther(users)) ? admins : users;
}

async function loseMaster({ cluster, site }: World, sidecar: Sidecar): Promise<Verdict> {
  const [, node] = cluster.nodes;
  if (node === undefined) throw new Error("the Cluster has no second master");
  await node.kill();
  const address = `127.0.0.1:${node.port}`;
  const isNamed = async () => {
    const { status, redisReason } = await sidecar.readiness();
    return status === "degraded" && redisReason.includes(address);
  };
  await untilTrue("readyz names the master that is down", isNamed);
  const replies = await Promise.all(site.loginIds.map((loginId) => ask.get(sidecar, loginId)));
  const failed = replies.filter(({ status }) => status !== 200 && status !== 204).length;
  await node.start();
  await untilTrue("readyz is ok again", async () => (await sidecar.readiness()).status === "ok");
  return {
    figures: { "lookups failed without a master": failed },
    failures: unless({ [`${failed} lookups failed without a master`]: failed === 0 }),
  };
}
