import { withRunner } from "../../src/process/greeting.ts";
import { columnsOf, wrapBeside } from "../columns.ts";
import type { ExitStatus } from "../command.ts";
import { counted, countText } from "../quantities.ts";

/** What a command found and did, for people and for programs. */
export interface Summary {
  /** Whether what was asked holds: exit status 0. */
  readonly holds: boolean;
  /** Whether everything was visited, without an early stop. */
  readonly isComplete: boolean;
  readonly seconds: number;
  /** By name; `--json` prints all of them. */
  readonly figures: Readonly<Record<string, number>>;
  /** What a person reads, one sentence a line. */
  readonly lines: readonly string[];
}

export function printSummary(command: string, summary: Summary, asJson: boolean): ExitStatus {
  const { holds, isComplete, seconds, figures, lines } = summary;
  const machine = { command, holds, complete: isComplete, seconds: Number(seconds.toFixed(3)), ...figures };
  const text = withRunner(lines.map(fitting).join("\n"));
  process.stdout.write(asJson ? `${JSON.stringify(machine)}\n` : `${text}\n`);
  return holds ? 0 : 1;
}

/** Wraps a line for a terminal, unless it is indented, such as a command that may be copied. */
function fitting(line: string): string {
  return process.stdout.isTTY && !line.startsWith("  ")
    ? wrapBeside(2, line, columnsOf(process.stdout))
    : line;
}

/** Returns a line for each figure that is not zero, in the order of its texts. */
export function figureLines(
  texts: Readonly<Record<string, readonly [one: string, many: string]>>,
  figures: Readonly<Record<string, number>>,
): string[] {
  return Object.entries(texts).flatMap(([name, [one, many]]) => {
    const figure = figures[name] ?? 0;
    return figure === 0 ? [] : [`  ${counted(figure, one, many)}`];
  });
}

/** Formats `12,000 users in 3.1 s, 3,871/s`. */
export function tempo(users: number, seconds: number): string {
  return `${counted(users, "user")} in ${seconds.toFixed(1)} s, ${countText(Math.round(users / seconds))}/s`;
}

export function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1000;
}
