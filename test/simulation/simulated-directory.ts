import type { Replaced, Replacement, UserDirectory, UserRecord } from "../../src/coherence/user-directory.ts";
import { DatabaseUnavailable, OutcomeUnknown, Overloaded, type SidecarError } from "../../src/errors.ts";
import type { Process } from "./scheduler.ts";
import type { Row, SimulatedDatabase } from "./simulated-database.ts";
import type { World } from "./world.ts";

const unavailable = () => new DatabaseUnavailable("no answer", "none");
const unknown = () => new OutcomeUnknown("the answer was lost");

/** A call that is under way: settled once, by whichever comes first. */
interface Call<Result> {
  readonly promise: Promise<Result>;
  readonly isOver: () => boolean;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: SidecarError) => void;
}

/**
 * One sidecar's directory over the simulated database, with the promises of the real one: a read is tried
 * again, an UPDATE is sent once, each call ends within D, and after `OutcomeUnknown` it may still commit.
 */
export function createSimulatedDirectory(world: World, database: SimulatedDatabase, process: Process) {
  const { scheduler, random } = world;
  const { statementMs } = world.scenario.constants;

  function startCall<Result>(atDeadline: () => SidecarError): Call<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    let isOver = false;
    const once = <Argument>(settle: (argument: Argument) => void) => {
      return (argument: Argument) => {
        if (!isOver) settle(argument);
        isOver = true;
        timer.isCancelled = true;
      };
    };
    const timer = scheduler.after(statementMs, process, () => call.reject(atDeadline()));
    const call = { promise, isOver: () => isOver, resolve: once(resolve), reject: once(reject) };
    return call;
  }

  const reply = (what: () => void) => scheduler.after(wayMs(), process, what);

  /** There or back; sometimes longer than any client waits. */
  function wayMs(): number {
    const stalledMs = random.chance(world.weather.databaseStalls)
      ? random.pick([random.between(0, 1.2), random.between(0.9, 1)]) * statementMs
      : 0;
    return world.latencyMs() + stalledMs;
  }

  function sendFind(call: Call<UserRecord>, loginId: string, sendsLeft: number): void {
    const again = () => {
      if (sendsLeft <= 1) call.reject(unavailable());
      else scheduler.after(25, process, () => sendFind(call, loginId, sendsLeft - 1));
    };
    if (call.isOver()) return;
    const { life } = database;
    if (database.isDown || random.chance(world.weather.databaseResets)) return void reply(again);
    scheduler.after(wayMs(), null, () => {
      if (database.life !== life) return void reply(again);
      const user = readUser(database, database.row(loginId));
      reply(() => call.resolve(user));
    });
  }

  function sendUpdate(call: Call<Replaced>, change: Replacement): void {
    const { life } = database;
    // Stuck in a proxy that survives the database, it may also arrive after everybody has given up.
    const isStuck = random.chance(world.weather.databaseResets);
    if (isStuck) scheduler.after(random.between(0, 5), process, () => call.reject(unknown()));
    const lateMs = isStuck ? random.pick([random.between(0, 1), random.between(0.8, 6)]) * statementMs : 0;
    scheduler.after(wayMs() + lateMs, null, () => {
      if (database.isDown || (!isStuck && database.life !== life)) {
        reply(() => call.reject(unknown()));
        return;
      }
      executeUpdate(world, database, change, {
        answer: (changed) =>
          reply(() => call.resolve(changed ? random.pick(["changed", "holds"] as const) : "unchanged")),
        fail: () => reply(() => call.reject(unavailable())),
        lose: () => reply(() => call.reject(unknown())),
      });
    });
  }

  function find(loginId: string): Promise<UserRecord> {
    const call = startCall<UserRecord>(unavailable);
    if (random.chance(world.weather.databaseRefuses)) call.reject(new Overloaded());
    else sendFind(call, loginId, 3);
    return call.promise;
  }

  return {
    verifyConnection: async () => {},
    fits: () => true,
    noData: () => null,
    close: async () => {},

    find,
    findForSession: async (loginId) => ({ ...(await find(loginId)), columns: new Map() }),

    replaceOwnIdData(change) {
      const call = startCall<Replaced>(unknown);
      const isRefused = database.isDown || random.chance(world.weather.databaseRefuses);
      if (isRefused) reply(() => call.reject(unavailable()));
      else sendUpdate(call, change);
      return call.promise;
    },
  } satisfies UserDirectory;
}

function readUser(database: SimulatedDatabase, row: Row): UserRecord {
  const { loginId } = row;
  const databaseTimeMs = database.nowMs();
  return { loginId, ownIdData: database.value(row), blocked: false, databaseTimeMs };
}

interface UpdateOutcome {
  answer(changed: boolean): void;
  fail(): void;
  lose(): void;
}

/**
 * The fence is looked at when the statement begins; the row once more when its lock is there. In between the
 * server's own limit, a little below D, may end the statement, and a crash decides either way.
 */
function executeUpdate(
  world: World,
  database: SimulatedDatabase,
  change: Replacement,
  outcome: UpdateOutcome,
): void {
  const { scheduler, random, mutation } = world;
  const row = database.row(change.loginId);
  const holds = () => mutation.database?.comparesNot || database.value(row) === change.expected;
  const isOpen = mutation.database?.fencesNot || database.nowMs() < change.deadlineMs;
  if (!isOpen) world.count("fenced");
  if (!isOpen || !holds()) {
    outcome.answer(false);
    return;
  }
  const limitMs = 0.9 * world.scenario.constants.statementMs;
  const runsMs = lockWaitMs(world, row, limitMs) + random.between(0.05, 0.5);
  const isFutile = runsMs > limitMs || random.chance(world.weather.databaseFails);
  let isCrashed = false;
  const statement = database.beginStatement(() => {
    isCrashed = true;
    if (!isFutile && holds() && random.chance(0.3)) database.commit(row, change.replacement);
    outcome.lose();
  });
  if (!isFutile) row.lockedUntilMs = scheduler.nowMs + runsMs;
  scheduler.after(Math.min(runsMs, limitMs), null, () => {
    if (isCrashed) return;
    statement.finish();
    const changes = !isFutile && holds();
    if (changes) database.commit(row, change.replacement);
    if (isFutile) outcome.fail();
    else outcome.answer(changes);
  });
}

/** For the statements before it, or for somebody else's transaction: up to the limit, and beyond. */
function lockWaitMs({ scheduler, random, weather }: World, row: Row, limitMs: number): number {
  const elsewhereMs = random.chance(weather.databaseLocks)
    ? random.pick([random.between(0, 1), random.between(0.9, 1.05)]) * limitMs
    : 0;
  return Math.max(row.lockedUntilMs - scheduler.nowMs, elsewhereMs);
}
