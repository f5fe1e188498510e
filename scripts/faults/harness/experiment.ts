import type { Verdict } from "./history.ts";

export type Size = "small" | "full";

export interface Experiment {
  /** As it is numbered in the plan, or a word. */
  readonly id: string;
  readonly title: string;
  /** What must hold for it to pass. */
  readonly passes: string;
  /** A server that it needs besides Redis and Postgres. */
  readonly needs?: "mariadb";
  run(size: Size, progress: Progress): Promise<Verdict>;
}

/** Told now and then how far it is. */
export type Progress = (text: string) => void;

export interface Plan<Parameters> {
  readonly id: string;
  readonly title: string;
  readonly passes: string;
  readonly needs?: "mariadb";
  readonly small: Parameters;
  readonly full: Parameters;
  readonly run: (parameters: Parameters, progress: Progress) => Promise<Verdict>;
}

/** An experiment that cannot be carried to its end has failed. */
export function experiment<Parameters>(plan: Plan<Parameters>): Experiment {
  const { small, full, run, ...description } = plan;
  return {
    ...description,
    async run(size, progress) {
      try {
        return await run(size === "full" ? full : small, progress);
      } catch (error) {
        return { figures: {}, failures: [`it broke off: ${error instanceof Error ? error.message : error}`] };
      }
    },
  };
}

/** Several verdicts as one; figures given later win. */
export function combine(...verdicts: readonly Verdict[]): Verdict {
  return {
    figures: Object.assign({}, ...verdicts.map(({ figures }) => figures)),
    failures: verdicts.flatMap(({ failures }) => failures),
  };
}

/** Where no hit was served and none came of a fill, nothing is shown about hits. */
export function provenByUse({ figures }: Verdict): Verdict {
  return {
    figures: {},
    failures: unless({
      "there was no hit": (figures.hits ?? 0) > 0,
      "there was no fill": (figures.fills ?? 0) > 0,
    }),
  };
}

/** The sentences whose condition does not hold. */
export function unless(conditions: Readonly<Record<string, boolean>>): string[] {
  return Object.entries(conditions)
    .filter(([, holds]) => !holds)
    .map(([sentence]) => sentence);
}

export const rounded = (numbers: readonly number[]) => Math.round(Math.max(0, ...numbers));
