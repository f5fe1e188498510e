import type { Replaced, Replacement, UserDirectory, UserRecord } from "../../src/coherence/user-directory.ts";
import { DatabaseUnavailable, OutcomeUnknown, Overloaded, type SidecarError } from "../../src/errors.ts";
import type { Process } from "./scheduler.ts";
import type { Row, SimulatedDatabase } from "./simulated-database.ts";
import type { World } from "./world.ts";

const unavailable = () => new DatabaseUnavailable("no answer", "none");
const unknown = () => new OutcomeUnknown("the answer was lost");

/** A call in flight. The first of several outcomes settles it. */
interface Call<Result> {
  readonly promise: Promise<Result>;
  readonly isOver: () => boolean;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: SidecarError) => void;
}

/**
 * Creates one sidecar's directory over the simulated database. It has the guarantees of the real one: a read is
 * retried, an UPDATE is sent once, each call ends within COHERENCE_STATEMENT_MS, and after `OutcomeUnknown` it may
 * still commit.
 */
export function createSimulatedDirectory(world: World, database: SimulatedDatabase, process: Process) {
  const { scheduler, random } = world;
  const { statementMs } = world.scenario.times;

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

  const reply = (what: () => void) => scheduler.after(transitMs(), process, what);

  /** Returns how long a message takes in one direction, which is sometimes longer than any client waits. */
  function transitMs(): number {
    const stalledMs = random.chance(world.faultRates.databaseStalls)
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
    if (database.isDown || random.chance(world.faultRates.databaseResets)) return void reply(again);
    scheduler.after(transitMs(), null, () => {
      if (database.life !== life) return void reply(again);
      const user = readUser(database, database.row(loginId));
      reply(() => call.resolve(user));
    });
  }

  function sendUpdate(call: Call<Replaced>, change: Replacement): void {
    const { life } = database;
    // The UPDATE may be stuck in a proxy that survives the database, and may arrive after everybody has given up.
    const isStuck = random.chance(world.faultRates.databaseResets);
    if (isStuck) scheduler.after(random.between(0, 5), process, () => call.reject(unknown()));
    const lateMs = isStuck ? random.pick([random.between(0, 1), random.between(0.8, 6)]) * statementMs : 0;
    scheduler.after(transitMs() + lateMs, null, () => {
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
    if (random.chance(world.faultRates.databaseRefuses)) call.reject(new Overloaded());
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
      const isRefused = database.isDown || random.chance(world.faultRates.databaseRefuses);
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
 * The deadline is checked when the statement begins, and the row is checked again when its lock has been acquired. In
 * between, the server's own limit, which is slightly below COHERENCE_STATEMENT_MS, may end the statement, and a crash
 * may decide either way.
 */
function executeUpdate(
  world: World,
  database: SimulatedDatabase,
  change: Replacement,
  outcome: UpdateOutcome,
): void {
  const { scheduler, random, mutation } = world;
  const row = database.row(change.loginId);
  const holds = () => mutation.database?.ignoresExpectedValue || database.value(row) === change.expected;
  const isOpen = mutation.database?.ignoresDeadline || database.nowMs() < change.deadlineMs;
  if (!isOpen) world.count("deadline passed");
  if (!isOpen || !holds()) {
    outcome.answer(false);
    return;
  }
  const limitMs = 0.9 * world.scenario.times.statementMs;
  const runsMs = lockWaitMs(world, row, limitMs) + random.between(0.05, 0.5);
  const isFutile = runsMs > limitMs || random.chance(world.faultRates.databaseFails);
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

/**
 * Returns how long to wait for a lock that earlier statements or another transaction hold. The wait may exceed the
 * limit.
 */
function lockWaitMs({ scheduler, random, faultRates }: World, row: Row, limitMs: number): number {
  const elsewhereMs = random.chance(faultRates.databaseLocks)
    ? random.pick([random.between(0, 1), random.between(0.9, 1.05)]) * limitMs
    : 0;
  return Math.max(row.lockedUntilMs - scheduler.nowMs, elsewhereMs);
}
