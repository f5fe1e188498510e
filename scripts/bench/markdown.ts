import { reportOf, type Table } from "./report.ts";
import type { Results } from "./results.ts";

/** Formats the whole run as Markdown. */
export function markdownOf(results: Results): string {
  const { facts, tables } = reportOf(results);
  return [
    "# Results",
    "",
    "Written by `bun run bench --report`; [README.md](README.md) explains how they are measured and how to read them.",
    "",
    ...facts.map((fact) => `- ${fact}`),
    ...tables.flatMap(sectionOf),
    "",
  ].join("\n");
}

function sectionOf({ title, head, rows }: Table): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, column) => (column === 0 ? "---" : "--:"));
  const heading = title.charAt(0).toUpperCase() + title.slice(1);
  return ["", `## ${heading}`, "", line(head), `|${rule.join("|")}|`, ...rows.map(line)];
}
