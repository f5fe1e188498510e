import { NoAnswer } from "../client/no-answer.ts";
import { type Case, Deviation, NotJudged, profileOf, Variant } from "./case.ts";
import type { CaseResult, Outcome } from "./result.ts";
import type { Site } from "./site.ts";
import { Stopped, type Wire } from "./wire.ts";

export interface RunOptions {
  readonly cases: readonly Case[];
  readonly site: Site;
  readonly wire: Pick<Wire, "takeExchanges">;
  /** Whether the test user's data could be read, so that it can be restored. */
  readonly mayWrite: boolean;
  readonly onCase: (id: string, done: number) => void;
}

export interface Run {
  readonly results: readonly CaseResult[];
  /** Why the cases after the last result were not run; `null` if all were. */
  readonly stopped: string | null;
}

/** Runs the cases one after the other. */
export async function runCases({ cases, site, wire, mayWrite, onCase }: RunOptions): Promise<Run> {
  const results: CaseResult[] = [];
  for (const examined of cases) {
    onCase(examined.id, results.length);
    const startedAt = performance.now();
    try {
      const judged = await judge(examined, site, mayWrite);
      const { id, level, contract, hint } = examined;
      const stated = { id, profile: profileOf(examined), level, contract, hint };
      const durationMs = performance.now() - startedAt;
      results.push({ ...stated, ...judged, durationMs, exchanges: wire.takeExchanges() });
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      return { results, stopped: error.message };
    }
  }
  return { results, stopped: null };
}

type Judged = Pick<CaseResult, "outcome" | "found" | "decisive">;

/** @throws {Stopped} */
async function judge(examined: Case, site: Site, mayWrite: boolean): Promise<Judged> {
  if (examined.writes && !mayWrite) {
    const found =
      "Not run: the user's data could not be read at the start, so nothing was written over it. " +
      "Name a user who has data with --user.";
    return { outcome: "skip", found, decisive: null };
  }
  try {
    await examined.run(site);
    return { outcome: "pass", found: "", decisive: null };
  } catch (error) {
    if (error instanceof NotJudged) return { outcome: "skip", found: error.message, decisive: null };
    if (!(error instanceof Deviation || error instanceof NoAnswer)) throw error;
    const outcome = error instanceof Variant ? "note" : missed[examined.level];
    return { outcome, found: error.message, decisive: error instanceof Deviation ? error.answer : null };
  }
}

/** The outcome of a case that does not hold, by its level. */
const missed = { must: "fail", should: "warn", may: "note" } as const satisfies Record<
  Case["level"],
  Outcome
>;
