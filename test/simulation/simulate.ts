import { describe, History, type Operation } from "./history.ts";
import { type Mutation, noMutation } from "./mutations.ts";
import { RedisDeployment } from "./redis-deployment.ts";
import { duplicateMsMax } from "./redis-link.ts";
import { findUnlinearizable } from "./register.ts";
import { drawScenario } from "./scenario.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { type Sidecar, startSidecar } from "./sidecar.ts";
import { SimulatedDatabase } from "./simulated-database.ts";
import { withVirtualGlobals } from "./virtual-globals.ts";
import { disturbSidecars, type Request, run, type Site, sendOperations } from "./workload.ts";
import { World } from "./world.ts";

export interface SimulationOptions {
  readonly mutation?: Mutation;
  readonly keepsTrace?: boolean;
}

export interface SimulationResult {
  /** The first violation, or `null`. */
  readonly violation: string | null;
  readonly trace: readonly string[];
  readonly counts: ReadonlyMap<string, number>;
  readonly steps: number;
}

/** No operation takes longer than this without faults. */
const longestMs = 60_000;

/** Runs the whole site once. The seed determines everything. */
export function simulate(seed: number, options: SimulationOptions = {}): SimulationResult {
  const random = createSeededRandom(seed);
  const scenario = drawScenario(random);
  const world = new World(random, scenario, options.mutation ?? noMutation, options.keepsTrace ?? false);
  world.log("scenario", () => JSON.stringify(scenario));
  const { violation } = withVirtualGlobals(world.scheduler, random, () => play(world));
  return { violation, trace: world.trace ?? [], counts: world.counts, steps: world.scheduler.step };
}

function play(world: World): History {
  const redis = new RedisDeployment(world);
  const database = new SimulatedDatabase(world);
  const history = new History(world);
  const sidecars = Array.from({ length: world.scenario.sidecars }, (_, place) =>
    startSidecar(world, `sidecar-${place + 1}`, redis, database),
  );
  const site = { world, redis, database, history, sidecars };
  let sentAtMs = Number.POSITIVE_INFINITY;
  sendOperations(site, () => {
    sentAtMs = world.scheduler.nowMs;
  });
  const { statementMs } = world.scenario.times;
  advance(site, () => world.scheduler.nowMs > sentAtMs + statementMs);
  world.stopFaults();
  if (history.violation === null) settle(site);
  return history;
}

/** Runs events until `isOver` returns true or there is a violation. */
function advance(site: Site, isOver: () => boolean): void {
  const { world, history } = site;
  let checked = -1;
  while (history.violation === null && !isOver()) {
    if (!world.scheduler.runNext(Number.POSITIVE_INFINITY)) return;
    if (world.changes !== checked) checkHashes(site);
    checked = world.changes;
    disturbSidecars(site);
  }
}

/** Checks that no hash is believed that holds another value than the database, at any instant. */
function checkHashes({ redis, database, history }: Site): void {
  for (const key of redis.server?.keyspace.hashKeys() ?? []) {
    const held = redis.believable(key);
    if (held === null) continue;
    const loginId = key.slice("user:".length);
    const committed = database.value(database.row(loginId));
    if (held !== committed)
      history.fail(`the hash of ${loginId} holds ${held}, but the database holds ${committed}`);
  }
}

/**
 * Checks that without further faults all operations end, and that writes succeed and every sidecar has hits afterwards.
 */
function settle(site: Site): void {
  const { world, history, database, sidecars } = site;
  const { scheduler, scenario } = world;
  const { graceMs, quarantineMs } = scenario.times;
  const thawedAtMs = Math.max(...sidecars.map(({ process }) => process.frozenUntilMs));
  const isOpen = (operation: Operation) => operation.outcome === "open";
  const endMs = Math.max(thawedAtMs, scheduler.nowMs) + longestMs;
  advance(site, () => scheduler.nowMs > endMs || !history.operations.some(isOpen));
  const stuck = history.operations.find(isOpen);
  if (stuck !== undefined) history.fail(`${describe(stuck)} did not end`);
  const quietMs =
    Math.max(scheduler.nowMs, thawedAtMs) + duplicateMsMax + Math.max(graceMs, quarantineMs) + 1500;
  advance(site, () => scheduler.nowMs > quietMs);
  for (const loginId of scenario.loginIds) expectHits(site, loginId);
  history.checkWrites(database);
  checkRegisters(site);
  if (world.counts.has("stale hit")) history.fail("a stale hit was reported for a hash that was right");
}

function expectHits(site: Site, loginId: string): void {
  const { world, history, sidecars } = site;
  const [first] = sidecars;
  if (first === undefined) return;
  perform(site, first, { kind: "set", loginId, asked: loginId, value: `${loginId}'s last` });
  const hits = world.counts.get("hit") ?? 0;
  for (const sidecar of sidecars) perform(site, sidecar, { kind: "get", loginId, asked: loginId, value: "" });
  if ((world.counts.get("hit") ?? 0) < hits + sidecars.length)
    history.fail(`${loginId} is not a hit again although there has been no fault for a while`);
}

/** Sends a request and waits for the answer. */
function perform(site: Site, sidecar: Sidecar, request: Request): void {
  const { world, history } = site;
  const number = history.operations.length;
  world.scheduler.after(0, sidecar.process, () => void run(site, sidecar, request));
  const outcome = () => history.operations[number]?.outcome ?? "open";
  advance(site, () => outcome() !== "open");
  if (outcome() !== "done") history.fail(`${request.kind} of ${request.loginId} no longer succeeds`);
}

/** Checks linearizability again, by what clients observed alone. */
function checkRegisters({ world, history, database }: Site): void {
  if (!world.scenario.valuesAreUnique) return;
  for (const { loginId, versions } of database.rows.values()) {
    const operations = history.operations.filter((operation) => operation.loginId === loginId);
    const reason = findUnlinearizable(operations, versions[0]?.value ?? "");
    if (reason !== null) history.fail(`the history of ${loginId} is not linearizable: ${reason}`);
  }
}
