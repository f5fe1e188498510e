import { type Fix, fixText } from "../fix.ts";

/** What keeps the configured table from doing the work. */
export interface TableProblem {
  /** The setting to look at. */
  readonly variable: string;
  /** What is wrong, without a period; names tables, columns and counts, and no value. */
  readonly detail: string;
  readonly fixes: readonly Fix[];
}

/** The problem as a start prints it: the ways to fix it follow line by line, so that they can be copied. */
export function problemText({ variable, detail, fixes }: TableProblem): string {
  const lines = [`${variable}: ${detail}.`, ...fixText(fixes).split("\n")];
  return lines.filter((line) => line !== "").join("\n      ");
}

/** The same for a log or an answer, where it is one line. */
export function inOneLine(problem: string): string {
  return problem.replaceAll(/\s*\n\s*/g, " ");
}
