import type { Mutation } from "./mutations.ts";
import type { Scenario } from "./scenario.ts";
import { calmWeather, type Weather } from "./scenario.ts";
import { type Process, Scheduler } from "./scheduler.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** What every part of one simulated run shares. */
export class World {
  readonly scheduler = new Scheduler();
  readonly random: SeededRandom;
  readonly scenario: Scenario;
  /** What is done wrong on purpose; nothing by default. */
  readonly mutation: Mutation;
  weather: Weather;
  /** One line for each thing that happened, if they are kept. */
  readonly trace: string[] | null;
  /** Counts whatever may change which hash is believed, or what the database holds. */
  changes = 0;
  /** How often each thing happened. */
  readonly counts = new Map<string, number>();

  constructor(random: SeededRandom, scenario: Scenario, mutation: Mutation, keepsTrace: boolean) {
    this.random = random;
    this.scenario = scenario;
    this.mutation = mutation;
    this.weather = scenario.weather;
    this.trace = keepsTrace ? [] : null;
  }

  tell(who: string, what: () => string): void {
    if (this.trace === null) return;
    const { nowMs, step } = this.scheduler;
    this.trace.push(
      `${String(step).padStart(5)} ${nowMs.toFixed(2).padStart(10)} ms  ${who.padEnd(9)} ${what()}`,
    );
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** A message's time on the way: short, and sometimes several times that. */
  latencyMs(): number {
    const { random } = this;
    return random.between(0.1, 1) * (random.chance(0.1) ? random.between(1, 20) : 1);
  }

  /** Happens again and again, at random, as long as the weather lasts. */
  recur(everyMs: number | null, happening: () => void): void {
    if (everyMs === null) return;
    const next = () =>
      this.scheduler.after(everyMs * this.random.between(0.2, 1.8), null, () => {
        if (this.weather === calmWeather) return;
        happening();
        next();
      });
    next();
  }

  /** No new faults from here on. */
  becomeCalm(): void {
    this.weather = calmWeather;
  }

  createProcess(name: string): Process {
    return { name, isAlive: true, frozenUntilMs: 0 };
  }
}
