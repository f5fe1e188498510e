import { usualColumns, wrapBeside } from "../columns.ts";
import { textTable } from "../text-table.ts";
import { reportOf } from "./report.ts";
import type { Results } from "./results.ts";

/** Formats the whole run for a terminal. */
export function tablesOf(results: Results, columns = usualColumns): string {
  const { facts, tables } = reportOf(results);
  const notes = results.plan.isWarm ? [] : ["Cold and short: this says that it works, not how fast it is."];
  const parts = [
    facts.map((fact) => wrapBeside(2, fact, columns)).join("\n"),
    ...tables.map(
      ({ title, head, rows }) => `${wrapBeside(2, title, columns)}\n${textTable(head, rows, columns)}`,
    ),
    ...notes,
  ];
  return `${parts.join("\n\n")}\n`;
}
