import { History, inWords, type Operation } from "./history.ts";
import { type Mutation, noMutation } from "./mutations.ts";
import { RedisDeployment } from "./redis-deployment.ts";
import { duplicateMsMax } from "./redis-link.ts";
import { findUnlinearizable } from "./register.ts";
import { drawScenario } from "./scenario.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { type Sidecar, startSidecar } from "./sidecar.ts";
import { SimulatedDatabase } from "./simulated-database.ts";
import { withVirtualGlobals } from "./virtual-globals.ts";
import { type Request, run, type Site, sendOperations, strikeSidecars } from "./workload.ts";
import { World } from "./world.ts";

export interface SimulationOptions {
  readonly mutation?: Mutation;
  readonly keepsTrace?: boolean;
}

export interface SimulationResult {
  /** The first broken promise, or `null`. */
  readonly violation: string | null;
  readonly trace: readonly string[];
  readonly counts: ReadonlyMap<string, number>;
  readonly steps: number;
}

/** No operation takes longer in calm weather. */
const longestMs = 60_000;

/** One run of the whole site, everything in it decided by the seed. */
export function simulate(seed: number, options: SimulationOptions = {}): SimulationResult {
  const random = createSeededRandom(seed);
  const scenario = drawScenario(random);
  const world = new World(random, scenario, options.mutation ?? noMutation, options.keepsTrace ?? false);
  world.tell("scenario", () => JSON.stringify(scenario));
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
  const { statementMs } = world.scenario.constants;
  advance(site, () => world.scheduler.nowMs > sentAtMs + statementMs);
  world.becomeCalm();
  if (history.violation === null) settle(site);
  return history;
}

/** Until `isOver`, or a promise is broken. */
function advance(site: Site, isOver: () => boolean): void {
  const { world, history } = site;
  let checked = -1;
  while (history.violation === null && !isOver()) {
    if (!world.scheduler.runNext(Number.POSITIVE_INFINITY)) return;
    if (world.changes !== checked) checkHashes(site);
    checked = world.changes;
    strikeSidecars(site);
  }
}

/** At no instant may a hash be believed that holds another value than the database. */
function checkHashes({ redis, database, history }: Site): void {
  for (const key of redis.server?.keyspace.hashKeys() ?? []) {
    const held = redis.believable(key);
    if (held === null) continue;
    const loginId = key.slice("user:".length);
    const committed = database.value(database.row(loginId));
    if (held !== committed) history.break(`the hash of ${loginId} holds ${held}, the database ${committed}`);
  }
}

/** In calm weather everything ends, and then everything works again: writes, and hits in every sidecar. */
function settle(site: Site): void {
  const { world, history, database, sidecars } = site;
  const { scheduler, scenario } = world;
  const { graceMs, quarantineMs } = scenario.constants;
  const thawedAtMs = Math.max(...sidecars.map(({ process }) => process.frozenUntilMs));
  const isUnderWay = (operation: Operation) => operation.outcome === "open";
  const endMs = Math.max(thawedAtMs, scheduler.nowMs) + longestMs;
  advance(site, () => scheduler.nowMs > endMs || !history.operations.some(isUnderWay));
  const stuck = history.operations.find(isUnderWay);
  if (stuck !== undefined) history.break(`${inWords(stuck)} never ended`);
  const quietMs =
    Math.max(scheduler.nowMs, thawedAtMs) + duplicateMsMax + Math.max(graceMs, quarantineMs) + 1500;
  advance(site, () => scheduler.nowMs > quietMs);
  for (const loginId of scenario.loginIds) expectHits(site, loginId);
  history.checkWrites(database);
  checkRegisters(site);
  if (world.counts.has("stale hit")) history.break("an alarm was raised over a hash that was right");
}

function expectHits(site: Site, loginId: string): void {
  const { world, history, sidecars } = site;
  const [first] = sidecars;
  if (first === undefined) return;
  perform(site, first, { kind: "set", loginId, asked: loginId, value: `${loginId}'s last` });
  const hits = world.counts.get("hit") ?? 0;
  for (const sidecar of sidecars) perform(site, sidecar, { kind: "get", loginId, asked: loginId, value: "" });
  if ((world.counts.get("hit") ?? 0) < hits + sidecars.length)
    history.break(`${loginId} is not served from the hash again, though nothing has happened for a while`);
}

/** Asks, and waits for the answer. */
function perform(site: Site, sidecar: Sidecar, request: Request): void {
  const { world, history } = site;
  const number = history.operations.length;
  world.scheduler.after(0, sidecar.process, () => void run(site, sidecar, request));
  const outcome = () => history.operations[number]?.outcome ?? "open";
  advance(site, () => outcome() !== "open");
  if (outcome() !== "done") history.break(`${request.kind} of ${request.loginId} does not succeed any more`);
}

/** The same promise once more, by what clients saw alone. */
function checkRegisters({ world, history, database }: Site): void {
  if (!world.scenario.valuesAreUnique) return;
  for (const { loginId, versions } of database.rows.values()) {
    const operations = history.operations.filter((operation) => operation.loginId === loginId);
    const reason = findUnlinearizable(operations, versions[0]?.value ?? "");
    if (reason !== null) history.break(`the history of ${loginId} is that of no register: ${reason}`);
  }
}
