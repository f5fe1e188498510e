import { SidecarError } from "../../src/errors.ts";
import type { Process } from "./scheduler.ts";
import type { SimulatedDatabase, Version } from "./simulated-database.ts";
import type { World } from "./world.ts";

export interface Operation {
  readonly kind: "get" | "set" | "session" | "invalidate";
  /** As the table stores it. */
  readonly loginId: string;
  /** The sidecar that was asked. */
  readonly process: Process;
  readonly startStep: number;
  readonly startMs: number;
  /** `null` while it is open. */
  endStep: number | null;
  /** What a set was to write; what a read answered. `""` is no data. */
  value: string;
  outcome: "open" | "done" | "not done" | "unknown";
}

/** What clients saw, and what the database did: enough to judge a run. */
export class History {
  readonly operations: Operation[] = [];
  /** The first promise that was broken. */
  violation: string | null = null;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  begin(kind: Operation["kind"], loginId: string, process: Process, value: string): Operation {
    const { step, nowMs } = this.#world.scheduler;
    const operation: Operation = {
      ...{ kind, loginId, process, value },
      ...{ startStep: step, startMs: nowMs, endStep: null, outcome: "open" },
    };
    this.operations.push(operation);
    return operation;
  }

  end(operation: Operation, outcome: Operation["outcome"]): void {
    operation.endStep = this.#world.scheduler.step;
    operation.outcome = outcome;
  }

  /** Its sidecar has crashed: whoever asked hears no answer. */
  abandon(process: Process): void {
    for (const operation of this.operations)
      if (operation.process === process && operation.outcome === "open") this.end(operation, "unknown");
  }

  break(promise: string): void {
    if (this.violation !== null) return;
    this.violation = promise;
    this.#world.tell("VIOLATION", () => promise);
  }

  /** A failure that is none of ours is a fault of the sidecar. */
  checkFailure(operation: Operation, error: unknown): void {
    if (!(error instanceof SidecarError))
      this.break(`${inWords(operation)} met a fault of the sidecar's own: ${error}`);
    else if (error.code === "ERR_HASH_STALE")
      this.break(`${inWords(operation)} found a hash that was not stale`);
    else if (error.code === "ERR_USER_UNKNOWN") this.break(`${inWords(operation)} denied a user who exists`);
  }

  /** A get answers, and a set that is acknowledged has written, what the database held at some instant of the call. */
  checkAnswer(operation: Operation, database: SimulatedDatabase): void {
    const { versions } = database.row(operation.loginId);
    const held = versionsBetween(versions, operation.startStep, this.#world.scheduler.step);
    if (held.some(({ value }) => (value ?? "") === operation.value)) return;
    const values = held.map(({ value }) => value || "no data").join(", then ");
    this.break(`${inWords(operation)}, but the database held ${values} all the time`);
  }

  /** Once nothing is under way any more: no write took effect that must not, or no longer. */
  checkWrites(database: SimulatedDatabase): void {
    if (!this.#world.scenario.valuesAreUnique) return;
    const sets = this.operations.filter(({ kind }) => kind === "set");
    for (const set of sets) {
      const { versions } = database.row(set.loginId);
      const commits = versions.filter(({ value, step }) => step > 0 && value === set.value);
      if (commits.length > 1) this.break(`${inWords(set)} was written ${commits.length} times`);
      for (const commit of commits) this.#checkCommit(set, commit, sets);
    }
  }

  #checkCommit(set: Operation, commit: Version, sets: readonly Operation[]): void {
    const { statementMs } = this.#world.scenario.constants;
    if (set.outcome === "not done") this.break(`${inWords(set)} is said not to be written, and is`);
    if (commit.atMs > set.startMs + 3 * statementMs) this.break(`${inWords(set)} was written too late`);
    if (set.outcome !== "unknown") return;
    const { endStep } = set;
    const newer = sets.find(
      (other) =>
        other.loginId === set.loginId &&
        other.outcome === "done" &&
        other.startStep > (endStep ?? Number.POSITIVE_INFINITY) &&
        (other.endStep ?? Number.POSITIVE_INFINITY) < commit.step,
    );
    if (newer !== undefined)
      this.break(`${inWords(set)} was written over ${inWords(newer)}, which came later`);
  }
}

function versionsBetween(versions: readonly Version[], first: number, last: number): readonly Version[] {
  return versions.filter(({ step }, place) => {
    const replacedAt = versions[place + 1]?.step ?? Number.POSITIVE_INFINITY;
    return step <= last && replacedAt >= first;
  });
}

export function inWords({ kind, loginId, process, value, outcome }: Operation): string {
  const what = kind === "set" ? `set of ${loginId} to ${value || "no data"}` : `${kind} of ${loginId}`;
  const answer =
    (kind === "get" || kind === "session") && outcome === "done" ? ` answered ${value || "no data"}` : "";
  return `${process.name}'s ${what}${answer}`;
}
