import { reportOf, type Table } from "./report.ts";
import type { Results } from "./results.ts";

/** The whole run as text for a terminal. */
export function tablesOf(results: Results): string {
  const { facts, tables } = reportOf(results);
  const notes = results.plan.isWarm
    ? []
    : ["", "Cold and short: this says that it works, not how fast it is."];
  return [...facts, ...tables.flatMap(linesOf), ...notes, ""].join("\n");
}

/** The first column begins where the others do; the rest end together. */
function linesOf({ title, head, rows }: Table): string[] {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return ["", title, ...[head, ...rows].map((row) => `  ${row.map(cell).join("   ")}`.trimEnd())];
}
