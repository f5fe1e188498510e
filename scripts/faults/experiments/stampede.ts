import { exchangeRaw, type RawAnswer, rawRequest } from "../../client/raw-http.ts";
import { signRequest } from "../harness/client.ts";
import { combine, experiment, unless } from "../harness/experiment.ts";
import { createHistory, type Verdict } from "../harness/history.ts";
import { tellRedis, userKey } from "../harness/redis-admin.ts";
import type { Sidecar } from "../harness/sidecar.ts";
import { startWorld, type World } from "../harness/world.ts";

/** The first read stays under way for so long, while everyone else arrives. */
const heldMs = 1200;

export const stampede = experiment({
  id: "25",
  title: "a crowd asks each of two sidecars for one cold key",
  passes: "1 database read per instance when the fill lands, else at most 2",
  small: { callers: 150 },
  full: { callers: 1000 },
  async run({ callers }, progress) {
    await using world = await startWorld({
      sidecars: 2,
      users: 1,
      proxies: true,
      times: { statementMs: 2500, graceMs: 6100, tokenMs: 20_000, quarantineMs: 7000, ttlSeconds: 60 },
      postgresSettings: { max_connections: "60" },
    });
    const [first] = world.sidecars;
    const [loginId = ""] = world.site.loginIds;
    if (first !== undefined) await createHistory().set(first, loginId);
    // Within the grace nothing is filled.
    const unfilled = await crowd(world, callers, { readsMax: 2, name: "without a fill" });
    progress("the crowd without a fill is answered");
    await world.untilFilling();
    const filled = await crowd(world, callers, { readsMax: 1, name: "with a fill" });
    return combine(unfilled, filled);
  },
});

async function crowd(
  world: World,
  callers: number,
  { readsMax, name }: { readonly readsMax: number; readonly name: string },
): Promise<Verdict> {
  const [loginId = ""] = world.site.loginIds;
  const reads: number[] = [];
  const answers: RawAnswer[] = [];
  for (const [number, sidecar] of world.sidecars.entries()) {
    await tellRedis(world.redis, "DEL", userKey(loginId));
    const proxy = world.proxies[number]?.postgres;
    if (proxy === undefined) throw new Error("each sidecar needs a proxy");
    // Only a read of this user sends the login id: the sidecar's own checks ask for nobody.
    const readsOfUser = proxy.countInRequests(loginId);
    proxy.holdReplies();
    const everyone = Array.from({ length: callers }, () => askRaw(sidecar, loginId));
    await Bun.sleep(heldMs);
    proxy.releaseReplies();
    answers.push(...(await Promise.all(everyone)));
    reads.push(readsOfUser());
  }
  const right = answers.filter(({ status, body }) => status === 200 && body === answers[0]?.body);
  return {
    figures: { [`callers each, ${name}`]: callers, [`reads per sidecar, ${name}`]: Math.max(...reads) },
    failures: unless({
      [`${name}: ${reads.join(" and ")} reads`]: reads.every((count) => count >= 1 && count <= readsMax),
      [`${name}: ${answers.length - right.length} callers were not answered`]:
        right.length === answers.length,
    }),
  };
}

function askRaw(sidecar: Sidecar, loginId: string): Promise<RawAnswer> {
  const request = signRequest(sidecar, "get", { loginId });
  return exchangeRaw(new URL(sidecar.baseUrl).origin, rawRequest(request));
}
