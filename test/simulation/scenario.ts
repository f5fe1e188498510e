import type { SeededRandom } from "./seeded-random.ts";

/**
 * The probability of each fault in one run. Each run has only some of the faults, so that each of them also occurs
 * without the others.
 */
export interface FaultRates {
  /** A command or a reply takes longer than a client waits. */
  readonly redisStalls: number;
  /** The connection breaks. Messages in flight may arrive nevertheless. */
  readonly redisResets: number;
  /** A command runs once more, later, on the server that is running then. */
  readonly redisDuplicates: number;
  /** The delay of all duplicates, which then keep their order. If `null`, each has a random delay. */
  readonly redisDuplicatesAfterMs: number | null;
  /** The mean time between ends of the Redis server in milliseconds, or `null` if it never ends. */
  readonly redisEndsEveryMs: number | null;
  /** Redis ends shortly after a BEGIN or a claim, so that a write is in flight. */
  readonly redisEndsAtWrites: number;
  readonly databaseStalls: number;
  readonly databaseRefuses: number;
  /** A statement fails with an error of the database itself. */
  readonly databaseFails: number;
  /** The connection breaks. The statement may run, now or later. */
  readonly databaseResets: number;
  /** An UPDATE waits for a lock. */
  readonly databaseLocks: number;
  readonly databaseEndsEveryMs: number | null;
  readonly databaseClockLeapsEveryMs: number | null;
  /** The probability at each event of a sidecar. */
  readonly sidecarCrashes: number;
  /** The probability at each event of a sidecar that it is suspended for a while, like a virtual machine. */
  readonly sidecarFreezes: number;
}

/** The sidecar's settings of the same names. */
export interface Times {
  readonly statementMs: number;
  readonly graceMs: number;
  readonly quarantineMs: number;
  readonly tokenMs: number;
  readonly ttlMs: number;
}

export interface Scenario {
  readonly times: Times;
  readonly faultRates: FaultRates;
  readonly sidecars: number;
  readonly loginIds: readonly [string, ...string[]];
  readonly operations: number;
  readonly setShare: number;
  /** Whether every `set` has a different value, instead of a few values that recur. */
  readonly valuesAreUnique: boolean;
  /** How often an operation waits before the next one instead of being part of a burst. */
  readonly pauses: number;
  /** Whether the first grace is over before the first operation. */
  readonly beginsAfterGrace: boolean;
  readonly auditShare: number;
}

export const noFaults: FaultRates = {
  redisStalls: 0,
  redisResets: 0,
  redisDuplicates: 0,
  redisDuplicatesAfterMs: null,
  redisEndsEveryMs: null,
  redisEndsAtWrites: 0,
  databaseStalls: 0,
  databaseRefuses: 0,
  databaseFails: 0,
  databaseResets: 0,
  databaseLocks: 0,
  databaseEndsEveryMs: null,
  databaseClockLeapsEveryMs: null,
  sidecarCrashes: 0,
  sidecarFreezes: 0,
};

export function drawScenario(random: SeededRandom): Scenario {
  const times = drawTimes(random);
  return {
    times,
    faultRates: random.chance(0.05) ? noFaults : drawFaultRates(random, times),
    sidecars: random.pick([1, 2, 2, 3]),
    loginIds: random.chance(0.75) ? ["ann"] : ["ann", "bob"],
    operations: random.integer(12, 50),
    setShare: random.pick([0.15, 0.3, 0.5]),
    valuesAreUnique: random.chance(0.7),
    pauses: random.pick([0.05, 0.2, 0.4]),
    beginsAfterGrace: random.chance(0.8),
    auditShare: random.pick([0, 0, 0.3]),
  };
}

/** Returns the smallest times that the protocol allows, or somewhat larger ones. */
function drawTimes(random: SeededRandom): Times {
  const statementMs = random.pick([100, 500, 2500]);
  return {
    statementMs,
    graceMs: Math.floor(2 * statementMs + 1001 + random.pick([0, 0, statementMs])),
    quarantineMs: Math.floor(2 * statementMs + random.pick([1, statementMs, 10 * statementMs])),
    tokenMs: random.pick([100, 500, 3000]),
    ttlMs: random.pick([0, 0, 200, 2000, 60_000]),
  };
}

function drawFaultRates(random: SeededRandom, { statementMs }: Times): FaultRates {
  const sometimes = (...[first, ...more]: [number, ...number[]]) =>
    random.chance(0.4) ? random.pick([first, ...more]) : 0;
  const everyMs = (...[first, ...more]: [number, ...number[]]) =>
    random.chance(0.4) ? random.pick([first, ...more]) : null;
  return {
    redisStalls: sometimes(0.01, 0.05),
    redisResets: sometimes(0.005, 0.03),
    redisDuplicates: sometimes(0.02, 0.15, 0.6),
    redisDuplicatesAfterMs: random.pick([null, null, 5, 60, statementMs]),
    redisEndsEveryMs: everyMs(300, 2 * statementMs, 4 * statementMs + 2000),
    redisEndsAtWrites: sometimes(0.03, 0.2),
    databaseStalls: sometimes(0.05, 0.2),
    databaseRefuses: sometimes(0.05),
    databaseFails: sometimes(0.05),
    databaseResets: sometimes(0.05, 0.2),
    databaseLocks: sometimes(0.1, 0.4),
    databaseEndsEveryMs: everyMs(2 * statementMs, 5000),
    databaseClockLeapsEveryMs: everyMs(2 * statementMs, 10_000),
    sidecarCrashes: sometimes(0.001, 0.005),
    sidecarFreezes: sometimes(0.001, 0.005),
  };
}
