import { exchangeRaw, type RawAnswer, rawRequest } from "../../client/raw-http.ts";
import { signRequest } from "../harness/client.ts";
import { combine, experiment, unless } from "../harness/experiment.ts";
import { createHistory, type Verdict } from "../harness/history.ts";
import { tellRedis, userKey } from "../harness/redis-admin.ts";
import type { Sidecar } from "../harness/sidecar.ts";
import { startWorld, type World } from "../harness/world.ts";

/** How long the first read is held back, so that all other lookups arrive in this time. */
const heldMs = 1200;

export const stampede = experiment({
  id: "stampede",
  title: "many clients look up one cold key at each of two sidecars",
  passes: "each sidecar reads the database once if the fill succeeds, and at most twice otherwise",
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
    const [loginId = ""] = world.site.loginIds;
    await createHistory().set(world.sidecar(0), loginId);
    // During the grace nothing is filled.
    const unfilled = await lookUpColdKey(world, callers, { readsMax: 2, name: "without a fill" });
    progress("the lookups without a fill are answered");
    await world.untilFilling();
    const filled = await lookUpColdKey(world, callers, { readsMax: 1, name: "with a fill" });
    return combine(unfilled, filled);
  },
});

async function lookUpColdKey(
  world: World,
  callers: number,
  { readsMax, name }: { readonly readsMax: number; readonly name: string },
): Promise<Verdict> {
  const [loginId = ""] = world.site.loginIds;
  const reads: number[] = [];
  const answers: RawAnswer[] = [];
  for (const [number, sidecar] of world.sidecars.entries()) {
    await tellRedis(world.redis, "DEL", userKey(loginId));
    const proxy = world.proxiesOf(number).postgres;
    // Only a read of this user contains the login id. The sidecar's own checks contain none.
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
    figures: {
      [`callers per sidecar, ${name}`]: callers,
      [`reads per sidecar, ${name}`]: Math.max(...reads),
    },
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
