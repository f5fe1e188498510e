import { ErasureIncomplete, OutcomeUnknown, SidecarError, ValueAltered } from "../../src/errors.ts";
import type { History, Operation } from "./history.ts";
import type { RedisDeployment } from "./redis-deployment.ts";
import { type Sidecar, startSidecar } from "./sidecar.ts";
import type { SimulatedDatabase } from "./simulated-database.ts";
import type { World } from "./world.ts";

export interface Site {
  readonly world: World;
  readonly redis: RedisDeployment;
  readonly database: SimulatedDatabase;
  readonly history: History;
  /** The sidecars that are running. */
  readonly sidecars: Sidecar[];
}

/** Sends the operations of the scenario, in bursts and with pauses. Calls `onSent` after the last one. */
export function sendOperations(site: Site, onSent: () => void): void {
  const { scheduler, scenario } = site.world;
  let sent = 0;
  const next = () => {
    if (sent >= scenario.operations) return onSent();
    sent += 1;
    sendOne(site, sent);
    scheduler.after(pauseMs(site), null, next);
  };
  const beginsAtMs = scenario.beginsAfterGrace ? scenario.times.graceMs + 100 : 0;
  scheduler.after(beginsAtMs, null, next);
}

function pauseMs({ world, redis }: Site): number {
  const { random, scenario, scheduler } = world;
  const { statementMs, graceMs, quarantineMs, ttlMs } = scenario.times;
  // Requests soon after a new server has started are the most dangerous.
  const isNew = redis.server === null || scheduler.nowMs < redis.beganAtMs + 60;
  if (isNew && random.chance(0.2)) return random.between(20, 120);
  const untilFilledMs = redis.beganAtMs + graceMs + 200 - scheduler.nowMs;
  if (untilFilledMs > 0 && random.chance(0.1)) return untilFilledMs;
  if (!random.chance(scenario.pauses)) return random.between(0, 3);
  const longMs = random.pick([statementMs, statementMs, graceMs, quarantineMs, ttlMs]);
  return random.chance(0.7) ? random.between(3, 100) : random.between(0, 1.2 * Math.min(longMs, 8000));
}

function sendOne(site: Site, number: number): void {
  const { world, sidecars } = site;
  const { random, scenario } = world;
  const sidecar = sidecars[random.integer(0, sidecars.length - 1)];
  if (sidecar === undefined) return;
  const loginId = random.pick(scenario.loginIds);
  const asked = random.chance(0.1) ? loginId.toUpperCase() : loginId;
  const value = scenario.valuesAreUnique ? `v${number}` : random.pick(["v1", "v2", "v3", ""]);
  const kind = drawKind(world);
  // Half of the sets without data are erasures.
  const erases = kind === "set" && value === "" && number % 2 === 0;
  world.scheduler.after(
    0,
    sidecar.process,
    () => void run(site, sidecar, { kind, loginId, asked, value, erases }),
  );
}

function drawKind({ random, scenario }: World): Operation["kind"] {
  if (random.chance(scenario.setShare)) return "set";
  return random.chance(0.1) ? random.pick(["session", "invalidate"]) : "get";
}

export interface Request {
  readonly kind: Operation["kind"];
  readonly loginId: string;
  /** The login id as the request spells it. */
  readonly asked: string;
  readonly value: string;
  /** Whether a set without data calls `erase`. */
  readonly erases?: boolean;
}

/** Runs a request inside the sidecar's process. It never returns if that process crashes. */
export async function run(site: Site, { store, process }: Sidecar, request: Request): Promise<void> {
  const { history, database, world } = site;
  const { kind, loginId, asked, erases = false } = request;
  const operation = history.begin(kind, loginId, process, kind === "set" ? request.value : "");
  world.log(process.name, () => `begins ${kind} of ${asked}${kind === "set" ? ` to ${request.value}` : ""}`);
  try {
    if (erases) await store.erase(asked);
    else if (kind === "set") await store.set(asked, request.value);
    else if (kind === "invalidate") await store.invalidate(asked);
    else operation.value = await read(store, kind, asked);
    history.end(operation, "done");
    world.log(process.name, () => `ends ${kind} of ${asked}: ${operation.value || "done"}`);
    if (kind !== "invalidate") history.checkAnswer(operation, database);
  } catch (error) {
    history.end(operation, outcomeAfter(error, erases));
    world.log(
      process.name,
      () => `ends ${kind} of ${asked}: ${error instanceof SidecarError ? error.code : error}`,
    );
    history.checkFailure(operation, error);
  }
  world.count(`${erases ? "erase" : kind} ${operation.outcome}`);
}

/**
 * Returns the outcome after an error. A value that was written and overwritten since counts as done. So does an erasure
 * that failed in Redis after the row was emptied.
 */
function outcomeAfter(error: unknown, erases: boolean): Operation["outcome"] {
  if (error instanceof ValueAltered) return "done";
  if (erases && error instanceof ErasureIncomplete) return "done";
  return error instanceof OutcomeUnknown ? "unknown" : "not done";
}

async function read(store: Sidecar["store"], kind: "get" | "session", asked: string): Promise<string> {
  const data = kind === "get" ? await store.get(asked) : (await store.findForSession(asked)).ownIdData;
  return data ?? "";
}

/** May kill or suspend a sidecar at any event. */
export function disturbSidecars(site: Site): void {
  const { world, sidecars } = site;
  const { random, faultRates, scheduler } = world;
  if (faultRates.sidecarCrashes === 0 && faultRates.sidecarFreezes === 0) return;
  const place = random.integer(0, sidecars.length - 1);
  const victim = sidecars[place];
  if (victim === undefined) return;
  const { process } = victim;
  if (!process.isAlive || process.frozenUntilMs > scheduler.nowMs) return;
  if (random.chance(faultRates.sidecarCrashes)) {
    process.isAlive = false;
    site.history.abandon(process);
    world.log(process.name, () => "is killed");
    world.count("sidecar crashed");
    scheduler.after(random.between(1, 400), null, () => {
      sidecars[place] = startSidecar(world, process.name, site.redis, site.database);
    });
  } else if (random.chance(faultRates.sidecarFreezes)) {
    const { statementMs } = world.scenario.times;
    process.frozenUntilMs = scheduler.nowMs + random.pick([10, 300, 1.5 * statementMs, 4 * statementMs]);
    world.log(process.name, () => `is suspended until ${process.frozenUntilMs.toFixed(2)}`);
    world.count("sidecar frozen");
  }
}
