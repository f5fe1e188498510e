import { SidecarError } from "../../src/errors.ts";
import type { Process } from "./scheduler.ts";
import type { SimulatedDatabase, Version } from "./simulated-database.ts";
import type { World } from "./world.ts";

export interface Operation {
  readonly kind: "get" | "set" | "session" | "invalidate";
  /** The login id as the table stores it. */
  readonly loginId: string;
  /** The sidecar that received the request. */
  readonly process: Process;
  readonly startStep: number;
  readonly startMs: number;
  /** `null` while the operation is open. */
  endStep: number | null;
  /** The value that a set writes or that a read returned. `""` means no data. */
  value: string;
  outcome: "open" | "done" | "not done" | "unknown";
}

/** What clients observed and what the database did, which is enough to judge a run. */
export class History {
  readonly operations: Operation[] = [];
  /** The first violation. */
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

  /** Ends the open operations of a sidecar that has crashed, since their clients receive no answer. */
  abandon(process: Process): void {
    for (const operation of this.operations)
      if (operation.process === process && operation.outcome === "open") this.end(operation, "unknown");
  }

  fail(violation: string): void {
    if (this.violation !== null) return;
    this.violation = violation;
    this.#world.log("VIOLATION", () => violation);
  }

  /** Checks an error. One that is no `SidecarError` is a fault of the sidecar. */
  checkFailure(operation: Operation, error: unknown): void {
    if (!(error instanceof SidecarError))
      this.fail(`${describe(operation)} failed with an unexpected error: ${error}`);
    else if (error.code === "ERR_HASH_STALE")
      this.fail(`${describe(operation)} reported a stale hash although it was not stale`);
    else if (error.code === "ERR_USER_UNKNOWN")
      this.fail(`${describe(operation)} reported an existing user as unknown`);
  }

  /**
   * Checks that the answer to a get, or the value of an acknowledged set, was held by the database at some instant of
   * the call.
   */
  checkAnswer(operation: Operation, database: SimulatedDatabase): void {
    const { versions } = database.row(operation.loginId);
    const held = versionsBetween(versions, operation.startStep, this.#world.scheduler.step);
    if (held.some(({ value }) => (value ?? "") === operation.value)) return;
    const values = held.map(({ value }) => value || "no data").join(", then ");
    this.fail(`${describe(operation)}, but the database held ${values} during that time`);
  }

  /** Checks all commits after everything has ended: no write took effect that must not, or too late. */
  checkWrites(database: SimulatedDatabase): void {
    if (!this.#world.scenario.valuesAreUnique) return;
    const sets = this.operations.filter(({ kind }) => kind === "set");
    for (const set of sets) {
      const { versions } = database.row(set.loginId);
      const commits = versions.filter(({ value, step }) => step > 0 && value === set.value);
      if (commits.length > 1) this.fail(`${describe(set)} was written ${commits.length} times`);
      for (const commit of commits) this.#checkCommit(set, commit, sets);
    }
  }

  #checkCommit(set: Operation, commit: Version, sets: readonly Operation[]): void {
    const { statementMs } = this.#world.scenario.times;
    if (set.outcome === "not done") this.fail(`${describe(set)} was answered as not done, but was written`);
    if (commit.atMs > set.startMs + 3 * statementMs) this.fail(`${describe(set)} was written too late`);
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
      this.fail(`${describe(set)} was written over ${describe(newer)}, which is newer`);
  }
}

function versionsBetween(versions: readonly Version[], first: number, last: number): readonly Version[] {
  return versions.filter(({ step }, place) => {
    const replacedAt = versions[place + 1]?.step ?? Number.POSITIVE_INFINITY;
    return step <= last && replacedAt >= first;
  });
}

export function describe({ kind, loginId, process, value, outcome }: Operation): string {
  const what = kind === "set" ? `set of ${loginId} to ${value || "no data"}` : `${kind} of ${loginId}`;
  const answer =
    (kind === "get" || kind === "session") && outcome === "done"
      ? ` that returned ${value || "no data"}`
      : "";
  return `${process.name}'s ${what}${answer}`;
}
