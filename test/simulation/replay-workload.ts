import { OutcomeUnknown, SidecarError, UserUnknown } from "../../src/errors.ts";
import { issueOnce, writeOnce } from "../../src/replay/signed-use.ts";
import type { RedisDeployment } from "./redis-deployment.ts";
import { type GuardedSidecar, nameOf, startGuardedSidecar } from "./replay-sidecar.ts";
import type { World } from "./world.ts";

/** A signed request, and what has become of its copies so far. */
export interface SignedRequest {
  readonly mac: Uint8Array;
  readonly endpoint: "set" | "session";
  /** Its timestamp, as OwnID writes it. */
  readonly signedAtMs: number;
  /** By the scheduler's clock: no copy arrives earlier. */
  readonly arrivesAtMs: number;
  readonly runs: Run[];
}

type Outcome = "succeeds" | "fails" | "unknown";

/** One execution of a request. */
interface Run {
  readonly sidecar: GuardedSidecar;
  /** Whether the sidecar could not have used Redis at any instant from when the first copy could arrive to its own copy. */
  readonly isExcused: boolean;
  hasFailed: boolean;
}

export interface GuardedSite {
  readonly world: World;
  readonly redis: RedisDeployment;
  readonly sidecars: GuardedSidecar[];
  /** The first violation. */
  violation: string | null;
}

/** OwnID's requests are under way for longer than the milliseconds in which they are dated. */
const networkMs = 1;

export function signRequest({ random, scheduler }: World): SignedRequest {
  return {
    mac: crypto.getRandomValues(new Uint8Array(32)),
    endpoint: random.pick(["set", "session"]),
    signedAtMs: Date.now(),
    arrivesAtMs: scheduler.nowMs + networkMs,
    runs: [],
  };
}

/** Sends signed requests, and copies of them at any later time. Calls `onSent` after the last one. */
export function sendRequests(site: GuardedSite, onSent: () => void): void {
  const { world } = site;
  const { random, scheduler, scenario } = world;
  let signed = 0;
  const next = () => {
    if (signed >= scenario.operations) return onSent();
    signed += 1;
    const request = signRequest(world);
    for (let copy = random.integer(1, 6); copy > 0; copy -= 1) sendCopy(site, request);
    scheduler.after(
      random.chance(scenario.pauses) ? random.between(50, 2500) : random.between(0, 10),
      null,
      next,
    );
  };
  next();
}

function sendCopy(site: GuardedSite, request: SignedRequest): void {
  const { random, scheduler } = site.world;
  const delayMs = random.pick([0, random.between(0, 5), random.between(0, 400), random.between(0, 6000)]);
  scheduler.after(networkMs + delayMs, null, () => {
    const sidecar = site.sidecars[random.integer(0, site.sidecars.length - 1)];
    const outcome = random.pick<Outcome>(["succeeds", "succeeds", "fails", "fails", "unknown"]);
    if (sidecar !== undefined)
      scheduler.after(0, sidecar.process, () => void receive(site, sidecar, request, outcome));
  });
}

/** Receives a copy inside the sidecar's process. If it runs, it ends as given. */
export async function receive(
  site: GuardedSite,
  sidecar: GuardedSidecar,
  request: SignedRequest,
  outcome: Outcome,
): Promise<void> {
  const { world } = site;
  const { guard, process } = sidecar;
  const name = `${request.endpoint} ${nameOf(request.mac)}`;
  world.log(process.name, () => `receives ${name}`);
  // Redis may come back while it is on its way to say that it refuses.
  const lacksRedis = sidecar.couldUseRedisAtMs < request.arrivesAtMs;
  const work = () => run(site, sidecar, request, outcome, lacksRedis);
  try {
    if (request.endpoint === "set") await writeOnce(guard, request, work);
    else await issueOnce(guard, request, () => work().then(() => "token"));
    world.log(process.name, () => `answers ${name} with success`);
    world.count("copy answered with success");
  } catch (error) {
    world.log(
      process.name,
      () => `answers ${name} with ${error instanceof SidecarError ? error.code : error}`,
    );
    if (error instanceof SidecarError) world.count(`copy answered with ${error.code}`);
    else fail(site, `${name} failed with an unexpected error: ${error}`);
  }
}

async function run(
  site: GuardedSite,
  sidecar: GuardedSidecar,
  request: SignedRequest,
  outcome: Outcome,
  lacksRedis: boolean,
): Promise<void> {
  const { world } = site;
  const { mac, endpoint, runs } = request;
  const isAlone = sidecar.isClaimedAlone(mac);
  const isExcused = isAlone && lacksRedis;
  const own: Run = { sidecar, isExcused, hasFailed: false };
  const other = runs.find(
    (other) => !other.hasFailed && (other.sidecar === sidecar || !(other.isExcused || isExcused)),
  );
  runs.push(own);
  world.count(isAlone ? "ran alone" : "ran");
  world.log(sidecar.process.name, () => `runs ${endpoint} ${nameOf(mac)}${isAlone ? " alone" : ""}`);
  if (other !== undefined) {
    const both = `${other.sidecar.process.name} and ${sidecar.process.name}`;
    fail(site, `${endpoint} ${nameOf(mac)} may take effect twice, at ${both}`);
  }
  await new Promise<void>((resolve) => setTimeout(resolve, world.random.between(0.1, 30)));
  if (outcome === "succeeds") return;
  if (outcome === "unknown") throw new OutcomeUnknown();
  own.hasFailed = true;
  throw new UserUnknown();
}

export function fail(site: GuardedSite, violation: string): void {
  site.violation ??= violation;
  site.world.log("VIOLATION", () => violation);
}

/** May kill or suspend a sidecar at any event. A new one takes its place. */
export function disturbGuards(site: GuardedSite): void {
  const { world, sidecars, redis } = site;
  const { random, faultRates, scheduler } = world;
  const place = random.integer(0, sidecars.length - 1);
  const victim = sidecars[place];
  if (victim === undefined || !victim.process.isAlive || victim.process.frozenUntilMs > scheduler.nowMs)
    return;
  if (random.chance(faultRates.sidecarCrashes)) {
    victim.process.isAlive = false;
    world.log(victim.process.name, () => "is killed");
    world.count("sidecar crashed");
    scheduler.after(random.between(1, 400), null, () => {
      sidecars[place] = startGuardedSidecar(world, victim.process.name, redis);
    });
  } else if (random.chance(faultRates.sidecarFreezes)) {
    victim.process.frozenUntilMs = scheduler.nowMs + random.pick([10, 300, 3000]);
    world.count("sidecar frozen");
  }
}
