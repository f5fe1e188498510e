import type { Mutation } from "./mutations.ts";
import type { Scenario } from "./scenario.ts";
import { type FaultRates, noFaults } from "./scenario.ts";
import { type Process, Scheduler } from "./scheduler.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** What all parts of one simulated run share. */
export class World {
  readonly scheduler = new Scheduler();
  readonly random: SeededRandom;
  readonly scenario: Scenario;
  /** What is done wrong on purpose. */
  readonly mutation: Mutation;
  faultRates: FaultRates;
  /** One line for each event, or `null` if no trace is kept. */
  readonly trace: string[] | null;
  /** Increases with every change of what the database holds or of which hash may be believed. */
  changes = 0;
  /** How often each kind of event happened. */
  readonly counts = new Map<string, number>();

  constructor(random: SeededRandom, scenario: Scenario, mutation: Mutation, keepsTrace: boolean) {
    this.random = random;
    this.scenario = scenario;
    this.mutation = mutation;
    this.faultRates = scenario.faultRates;
    this.trace = keepsTrace ? [] : null;
  }

  log(who: string, what: () => string): void {
    if (this.trace === null) return;
    const { nowMs, step } = this.scheduler;
    this.trace.push(
      `${String(step).padStart(5)} ${nowMs.toFixed(2).padStart(10)} ms  ${who.padEnd(9)} ${what()}`,
    );
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** Returns how long a message takes: a short time, and occasionally several times that. */
  latencyMs(): number {
    const { random } = this;
    return random.between(0.1, 1) * (random.chance(0.1) ? random.between(1, 20) : 1);
  }

  /** Repeats an event at random times until faults are stopped. */
  repeat(everyMs: number | null, happening: () => void): void {
    if (everyMs === null) return;
    const next = () =>
      this.scheduler.after(everyMs * this.random.between(0.2, 1.8), null, () => {
        if (this.faultRates === noFaults) return;
        happening();
        next();
      });
    next();
  }

  /** Stops all faults from now on. */
  stopFaults(): void {
    this.faultRates = noFaults;
  }

  createProcess(name: string): Process {
    return { name, isAlive: true, frozenUntilMs: 0 };
  }
}
