import type { World } from "./world.ts";

/** A value and when it was committed. */
export interface Version {
  readonly value: string | null;
  readonly step: number;
  readonly atMs: number;
}

export interface Row {
  /** As the table stores it. */
  readonly loginId: string;
  /** Oldest first. */
  readonly versions: Version[];
  lockedUntilMs: number;
}

/** The site's user table: what was committed, when, and whether anybody may ask. */
export class SimulatedDatabase {
  readonly rows = new Map<string, Row>();
  /** Counts its lives: what was sent to an earlier one is lost. */
  life = 1;
  isDown = false;
  #clockOffsetMs: number;
  readonly #world: World;
  /** Statements under way that a crash of the server decides at once. */
  readonly #underWay = new Set<() => void>();

  constructor(world: World) {
    this.#world = world;
    this.#clockOffsetMs = 1_700_000_000_000 + world.random.whole(-3_600_000, 3_600_000);
    for (const loginId of world.scenario.loginIds)
      this.rows.set(loginId, { loginId, versions: [firstVersion(world)], lockedUntilMs: 0 });
    world.recur(world.weather.databaseEndsEveryMs, () => this.#end());
    world.recur(world.weather.databaseClockLeapsEveryMs, () => this.#leap());
  }

  /** The database's own clock. */
  nowMs(): number {
    return this.#clockOffsetMs + this.#world.scheduler.nowMs;
  }

  /** Finds as a collation does that calls upper and lower case equal. */
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
    this.#world.tell("database", () => `commits ${row.loginId} = ${value}`);
  }

  /** Until `finish` is called, a crash calls `onCrash` in its stead. */
  beginStatement(onCrash: () => void): { finish(): void } {
    this.#underWay.add(onCrash);
    return { finish: () => this.#underWay.delete(onCrash) };
  }

  #end(): void {
    if (this.isDown) return;
    const { random, scheduler } = this.#world;
    this.#world.tell("database", () => "ends");
    this.#world.count("database ended");
    for (const onCrash of this.#underWay) onCrash();
    this.#underWay.clear();
    for (const row of this.rows.values()) row.lockedUntilMs = 0;
    this.isDown = true;
    this.life += 1;
    scheduler.after(random.pick([random.between(1, 50), random.between(50, 3000)]), null, () => {
      this.isDown = false;
      this.#world.tell("database", () => "is back");
    });
  }

  /** Forwards: an administrator, or a step of NTP. */
  #leap(): void {
    const leapMs = this.#world.random.between(1, 2 * this.#world.scenario.constants.statementMs);
    this.#clockOffsetMs += leapMs;
    this.#world.tell("database", () => `its clock leaps ${leapMs.toFixed(0)} ms ahead`);
  }
}

function firstVersion({ random }: World): Version {
  return { value: random.chance(0.85) ? "v0" : null, step: 0, atMs: 0 };
}
