import { type Mutation, noMutation } from "./mutations.ts";
import { RedisDeployment } from "./redis-deployment.ts";
import { startGuardedSidecar } from "./replay-sidecar.ts";
import {
  disturbGuards,
  fail,
  type GuardedSite,
  receive,
  sendRequests,
  signRequest,
} from "./replay-workload.ts";
import { drawScenario, noFaults, type Scenario } from "./scenario.ts";
import { createSeededRandom } from "./seeded-random.ts";
import type { SimulationOptions, SimulationResult } from "./simulate.ts";
import { withVirtualGlobals } from "./virtual-globals.ts";
import { World } from "./world.ts";

/** After this time without faults, every sidecar is connected and knows the epoch. */
const quietMs = 8000;

/** Runs several sidecars that receive copies of signed requests. The seed determines everything. */
export function simulateReplays(seed: number, options: SimulationOptions = {}): SimulationResult {
  const random = createSeededRandom(seed);
  const mutation: Mutation = options.mutation ?? noMutation;
  const scenario = scenarioOfReplays(drawScenario(random), mutation);
  const world = new World(random, scenario, mutation, options.keepsTrace ?? false);
  const violation = withVirtualGlobals(world.scheduler, random, () => play(world));
  return { violation, trace: world.trace ?? [], counts: world.counts, steps: world.scheduler.step };
}

/** The guard rests on a client that sends no command twice. */
function scenarioOfReplays(scenario: Scenario, mutation: Mutation): Scenario {
  const redisDuplicates = mutation.sendsTwice ? 0.5 : 0;
  return { ...scenario, faultRates: { ...scenario.faultRates, redisDuplicates } };
}

function play(world: World): string | null {
  const redis = new RedisDeployment(world);
  const sidecars = Array.from({ length: world.scenario.sidecars }, (_, place) =>
    startGuardedSidecar(world, `sidecar-${place + 1}`, redis),
  );
  const site: GuardedSite = { world, redis, sidecars, violation: null };
  if (world.random.chance(0.3)) fillUpOnce(world, redis);
  let sentAtMs = Number.POSITIVE_INFINITY;
  sendRequests(site, () => {
    sentAtMs = world.scheduler.nowMs;
  });
  advance(site, () => world.scheduler.nowMs > sentAtMs + 6000);
  world.stopFaults();
  redis.isFull = false;
  const thawedAtMs = Math.max(...sidecars.map(({ process }) => process.frozenUntilMs), world.scheduler.nowMs);
  advance(site, () => world.scheduler.nowMs > thawedAtMs + quietMs);
  for (const place of sidecars.keys()) expectRuns(site, place);
  return site.violation;
}

/** Lets Redis refuse to write for a while. */
function fillUpOnce(world: World, redis: RedisDeployment): void {
  const { random, scheduler } = world;
  scheduler.after(random.between(100, 20_000), null, () => {
    if (world.faultRates === noFaults) return;
    redis.isFull = true;
    world.count("redis was full");
    scheduler.after(random.between(10, 5000), null, () => {
      redis.isFull = false;
    });
  });
}

/** Runs events until `isOver` returns true or there is a violation. */
function advance(site: GuardedSite, isOver: () => boolean): void {
  const { scheduler } = site.world;
  let couldUseRedis = site.sidecars.map((sidecar) => sidecar.canUseRedis());
  while (site.violation === null && !isOver()) {
    if (!scheduler.runNext(Number.POSITIVE_INFINITY)) return;
    for (const [place, sidecar] of site.sidecars.entries())
      if (couldUseRedis[place] || sidecar.canUseRedis()) sidecar.couldUseRedisAtMs = scheduler.nowMs;
    couldUseRedis = site.sidecars.map((sidecar) => sidecar.canUseRedis());
    disturbGuards(site);
  }
}

/** Checks that without faults a request that fails may run again, and one that succeeds may not. */
function expectRuns(site: GuardedSite, place: number): void {
  const sidecar = site.sidecars[place];
  const request = signRequest(site.world);
  if (sidecar === undefined) return;
  for (const outcome of ["fails", "succeeds", "succeeds"] as const) {
    let isOver = false;
    site.world.scheduler.after(2, sidecar.process, () => {
      void receive(site, sidecar, request, outcome).finally(() => {
        // The record of a failure is on its way.
        setTimeout(() => {
          isOver = true;
        }, 100);
      });
    });
    advance(site, () => isOver);
  }
  if (request.runs.length !== 2) fail(site, `a request ran ${request.runs.length} times, and not twice`);
}
