import type { World } from "./world.ts";

/** A value, and when it was committed. */
export interface Version {
  readonly value: string | null;
  readonly step: number;
  readonly atMs: number;
}

export interface Row {
  /** The login id as the table stores it. */
  readonly loginId: string;
  /** From the oldest to the newest. */
  readonly versions: Version[];
  lockedUntilMs: number;
}

/** The site's user table: what was committed and when, and whether it can be reached. */
export class SimulatedDatabase {
  readonly rows = new Map<string, Row>();
  /** The number of starts. What was sent before the last start is lost. */
  life = 1;
  isDown = false;
  #clockOffsetMs: number;
  readonly #world: World;
  /** Callbacks of the statements in flight. A crash of the server decides these at once. */
  readonly #inFlight = new Set<() => void>();

  constructor(world: World) {
    this.#world = world;
    this.#clockOffsetMs = 1_700_000_000_000 + world.random.integer(-3_600_000, 3_600_000);
    for (const loginId of world.scenario.loginIds)
      this.rows.set(loginId, { loginId, versions: [firstVersion(world)], lockedUntilMs: 0 });
    world.repeat(world.faultRates.databaseEndsEveryMs, () => this.#end());
    world.repeat(world.faultRates.databaseClockLeapsEveryMs, () => this.#leap());
  }

  /** Returns the time of the database's own clock. */
  nowMs(): number {
    return this.#clockOffsetMs + this.#world.scheduler.nowMs;
  }

  /** Finds a row like a collation that ignores case. */
  row(loginId: string): Row {
    const row = this.rows.get(loginId.toLowerCase());
    if (row === undefined) throw new Error(`the simulation knows no ${loginId}`);
    return row;
  }

  value(row: Row): string | null {
    return row.versions.at(-1)?.value ?? null;
  }

  commit(row: Row, value: string | null): void {
    const { step, nowMs } = this.#world.scheduler;
    row.versions.push({ value, step, atMs: nowMs });
    this.#world.changes += 1;
    this.#world.log("database", () => `commits ${row.loginId} = ${value}`);
  }

  /** Begins a statement. If the server crashes before `finish` is called, it calls `onCrash` instead. */
  beginStatement(onCrash: () => void): { finish(): void } {
    this.#inFlight.add(onCrash);
    return { finish: () => this.#inFlight.delete(onCrash) };
  }

  #end(): void {
    if (this.isDown) return;
    const { random, scheduler } = this.#world;
    this.#world.log("database", () => "ends");
    this.#world.count("database ended");
    for (const onCrash of this.#inFlight) onCrash();
    this.#inFlight.clear();
    for (const row of this.rows.values()) row.lockedUntilMs = 0;
    this.isDown = true;
    this.life += 1;
    scheduler.after(random.pick([random.between(1, 50), random.between(50, 3000)]), null, () => {
      this.isDown = false;
      this.#world.log("database", () => "is back");
    });
  }

  /** Sets the clock forward, like an administrator or NTP. */
  #leap(): void {
    const leapMs = this.#world.random.between(1, 2 * this.#world.scenario.times.statementMs);
    this.#clockOffsetMs += leapMs;
    this.#world.log("database", () => `its clock leaps ${leapMs.toFixed(0)} ms ahead`);
  }
}

function firstVersion({ random }: World): Version {
  return { value: random.chance(0.85) ? "v0" : null, step: 0, atMs: 0 };
}
