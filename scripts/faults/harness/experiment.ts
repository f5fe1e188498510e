import type { Verdict } from "./history.ts";

export type Size = "small" | "full";

export interface Experiment {
  /** The name for `--experiment`. */
  readonly id: string;
  readonly title: string;
  /** The condition for passing, as a clause that follows "Passes if:". */
  readonly passes: string;
  /** A server that it needs in addition to Redis and Postgres. */
  readonly needs?: "mariadb";
  run(size: Size, progress: Progress): Promise<Verdict>;
}

/** Called from time to time with the current state. */
export type Progress = (text: string) => void;

export interface Plan<Parameters> extends Omit<Experiment, "run"> {
  readonly small: Parameters;
  readonly full: Parameters;
  readonly run: (parameters: Parameters, progress: Progress) => Promise<Verdict>;
}

/** Creates an experiment of two sizes. If it cannot be completed, it has failed. */
export function experiment<Parameters>(plan: Plan<Parameters>): Experiment {
  const { small, full, run, ...description } = plan;
  return {
    ...description,
    async run(size, progress) {
      try {
        return await run(size === "full" ? full : small, progress);
      } catch (error) {
        return {
          figures: {},
          failures: [`it could not be completed: ${error instanceof Error ? error.message : error}`],
        };
      }
    },
  };
}

/** Combines several verdicts into one. If figures have the same name, the last one is used. */
export function combine(...verdicts: readonly Verdict[]): Verdict {
  return {
    figures: Object.assign({}, ...verdicts.map(({ figures }) => figures)),
    failures: verdicts.flatMap(({ failures }) => failures),
  };
}

/** Combines the verdicts of similar rounds: figures that are called the worst by their maximum, others by their sum. */
export function combineRounds(verdicts: readonly Verdict[]): Verdict {
  const names = new Set(verdicts.flatMap(({ figures }) => Object.keys(figures)));
  const figures = [...names].map((name) => {
    const values = verdicts.map((verdict) => verdict.figures[name] ?? 0);
    return [name, name.includes("worst") ? Math.max(...values) : values.reduce((sum, each) => sum + each, 0)];
  });
  const failures = new Set(verdicts.flatMap((verdict) => verdict.failures));
  return { figures: Object.fromEntries(figures), failures: [...failures] };
}

/** Adds the failure if there was no hit or no fill, since the history then shows nothing about hits. */
export function provenByUse(verdict: Verdict): Verdict {
  const { hits = 0, fills = 0 } = verdict.figures;
  return failUnless(verdict, { "there was no hit": hits > 0, "there was no fill": fills > 0 });
}

/** Adds the sentences whose condition is false to the failures. */
export function failUnless(verdict: Verdict, conditions: Readonly<Record<string, boolean>>): Verdict {
  return { ...verdict, failures: [...verdict.failures, ...unless(conditions)] };
}

/** Returns the sentences whose condition is false. */
export function unless(conditions: Readonly<Record<string, boolean>>): string[] {
  return Object.entries(conditions)
    .filter(([, holds]) => !holds)
    .map(([sentence]) => sentence);
}

export const rounded = (numbers: readonly number[]) => Math.round(Math.max(0, ...numbers));
