import { ask, type Reply, readValue } from "../harness/client.ts";
import { experiment, type Progress, unless } from "../harness/experiment.ts";
import type { Verdict } from "../harness/history.ts";
import { untilTrue } from "../harness/load.ts";
import { tellRedis } from "../harness/redis-admin.ts";
import { type Sidecar, startSidecar } from "../harness/sidecar.ts";
import { startWorld, type World } from "../harness/world.ts";

export const sharedRedis = experiment({
  id: "34",
  title:
    "two installations on one Redis Cluster and one key prefix, with the same login ids; then a master is away",
  passes: "0 answers of the other's users; readyz names the other installation and the master that is away",
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
    const [users] = world.sidecars;
    if (users === undefined) throw new Error("a sidecar is needed");
    await world.untilFilling();
    const admins = await startSidecar("admins", { ...world.settings, USERS_TABLE: "admins" });
    try {
      const sides: Sides = { users, admins };
      const mixed = await mixRequests(world, sides, rounds, progress);
      if (mixed.failures.length > 0) return mixed;
      const owner = await ownerOf(sides);
      const away = await loseMaster(world, owner);
      return {
        figures: { ...mixed.figures, ...away.figures },
        failures: [...mixed.failures, ...away.failures],
      };
    } finally {
      await admins.remove();
    }
  },
});

type Side = "users" | "admins";
type Sides = Readonly<Record<Side, Sidecar>>;

/** Another table with the same login ids: staging beside production, or customers beside employees. */
async function createAdmins({ site }: World): Promise<void> {
  await site.run('CREATE TABLE admins (email text PRIMARY KEY, "ownIdData" text)');
  await site.run("INSERT INTO admins (email) SELECT email FROM users");
}

/** Every value says whose it is, so that an answer of the other's shows. */
async function mixRequests(
  { site, cluster, times }: World,
  sides: Sides,
  rounds: number,
  progress: Progress,
): Promise<Verdict> {
  const counts = { answers: 0, values: 0, others: 0, failed: 0 };
  const note = (side: Side, reply: Reply) => {
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
      await Promise.all(both.map(async (each) => note(each, await ask.get(sides[each], loginId))));
    }
    // Whoever asks first owns the prefix from then on.
    if (round === Math.floor(rounds / 2)) await forgetMark(cluster.nodes);
    if (round % 20 === 0) progress(`${round} of ${rounds} rounds`);
  }
  const hits = (await sides.users.counted()).get("hash hit") ?? 0;
  return {
    figures: {
      answers: counts.answers,
      "answers with a value": counts.values,
      "answers of the other's users": counts.others,
      "hits of the first": hits,
    },
    failures: unless({
      [`${counts.others} answers were of the other's users`]: counts.others === 0,
      [`${counts.failed} lookups failed`]: counts.failed === 0,
      "no answer had a value": counts.values > 0,
      "there was no hit": hits > 0,
    }),
  };
}

/** The mark is on one of the masters; the others answer with a redirection. */
async function forgetMark(nodes: World["cluster"]["nodes"]): Promise<void> {
  for (const node of nodes) await tellRedis(node, "DEL", "ownid:installation").catch(() => {});
}

/** Of the two, the one that is not told of the other. */
async function ownerOf({ users, admins }: Sides): Promise<Sidecar> {
  const isTold = async (sidecar: Sidecar) =>
    /belong to another installation/.test((await sidecar.readiness()).redisReason);
  const isOneTold = async () => (await isTold(users)) !== (await isTold(admins));
  await untilTrue("one of the installations is told of the other", isOneTold);
  return (await isTold(users)) ? admins : users;
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
  await untilTrue("readyz names the master that is away", isNamed);
  const replies = await Promise.all(site.loginIds.map((loginId) => ask.get(sidecar, loginId)));
  const failed = replies.filter(({ status }) => status !== 200 && status !== 204).length;
  await node.start();
  await untilTrue("readyz is ok again", async () => (await sidecar.readiness()).status === "ok");
  return {
    figures: { "lookups failed without a master": failed },
    failures: unless({ [`${failed} lookups failed without a master`]: failed === 0 }),
  };
}
