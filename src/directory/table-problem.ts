import { type Fix, fixText } from "../fix.ts";

/** What makes the configured table unsuitable. */
export interface TableProblem {
  /** The setting to look at. */
  readonly variable: string;
  /** What is wrong, without a period. It names tables, columns and counts, and no value. */
  readonly detail: string;
  readonly fixes: readonly Fix[];
}

/**
 * Returns the problem as the sidecar prints it when it starts, followed by the fixes, each on lines of its own, ready
 * to be copied.
 */
export function problemText({ variable, detail, fixes }: TableProblem): string {
  const lines = [`${variable}: ${detail}.`, ...fixText(fixes).split("\n")];
  return lines.filter((line) => line !== "").join("\n      ");
}

/** Returns the problem in one line, for a log or an answer. */
export function inOneLine(problem: string): string {
  return problem.replaceAll(/\s*\n\s*/g, " ");
}
