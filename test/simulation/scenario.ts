import type { SeededRandom } from "./seeded-random.ts";

/** How likely each fault is in one run. A run knows only some of them, so that each also meets calm weather. */
export interface Weather {
  /** A command or reply takes longer than a client waits. */
  readonly redisStalls: number;
  /** The connection breaks; what is on its way may arrive all the same. */
  readonly redisResets: number;
  /** A command runs once more, later, on whichever server is there then. */
  readonly redisDuplicates: number;
  /** All of them so much later, and so in their order; `null`: each when it likes. */
  readonly redisDuplicatesAfterMs: number | null;
  /** Mean time between ends of the Redis server, ms; `null`: it never ends. */
  readonly redisEndsEveryMs: number | null;
  /** It ends shortly after a BEGIN, so that a write is under way. */
  readonly redisEndsAtWrites: number;
  readonly databaseStalls: number;
  readonly databaseRefuses: number;
  /** A statement ends in an error that the database answered itself. */
  readonly databaseFails: number;
  /** The connection breaks; the statement may run, now or later. */
  readonly databaseResets: number;
  /** An UPDATE waits for a lock. */
  readonly databaseLocks: number;
  readonly databaseEndsEveryMs: number | null;
  readonly databaseClockLeapsEveryMs: number | null;
  /** At each event of a sidecar. */
  readonly sidecarCrashes: number;
  /** At each event of a sidecar: it is suspended for a while, as a virtual machine is. */
  readonly sidecarFreezes: number;
}

/** D, G, Q, F and T of src/coherence/DESIGN.md. */
export interface Constants {
  readonly statementMs: number;
  readonly graceMs: number;
  readonly quarantineMs: number;
  readonly tokenMs: number;
  readonly ttlMs: number;
}

export interface Scenario {
  readonly constants: Constants;
  readonly weather: Weather;
  readonly sidecars: number;
  readonly loginIds: readonly [string, ...string[]];
  readonly operations: number;
  readonly setShare: number;
  /** Every `set` has a value of its own, or a few values come back again and again. */
  readonly valuesAreUnique: boolean;
  /** How often an operation waits before the next one, and does not come in a burst. */
  readonly pauses: number;
  /** The first grace is over before the first operation. */
  readonly beginsAfterGrace: boolean;
  readonly auditShare: number;
}

export const calmWeather: Weather = {
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
  const constants = drawConstants(random);
  return {
    constants,
    weather: random.chance(0.05) ? calmWeather : drawWeather(random, constants),
    sidecars: random.pick([1, 2, 2, 3]),
    loginIds: random.chance(0.75) ? ["ann"] : ["ann", "bob"],
    operations: random.whole(12, 50),
    setShare: random.pick([0.15, 0.3, 0.5]),
    valuesAreUnique: random.chance(0.7),
    pauses: random.pick([0.05, 0.2, 0.4]),
    beginsAfterGrace: random.chance(0.8),
    auditShare: random.pick([0, 0, 0.3]),
  };
}

/** The smallest that the protocol allows, and somewhat larger ones. */
function drawConstants(random: SeededRandom): Constants {
  const statementMs = random.pick([100, 500, 2500]);
  return {
    statementMs,
    graceMs: Math.floor(2 * statementMs + 1001 + random.pick([0, 0, statementMs])),
    quarantineMs: Math.floor(2 * statementMs + random.pick([1, statementMs, 10 * statementMs])),
    tokenMs: random.pick([100, 500, 3000]),
    ttlMs: random.pick([0, 0, 200, 2000, 60_000]),
  };
}

function drawWeather(random: SeededRandom, { statementMs }: Constants): Weather {
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
