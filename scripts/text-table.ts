import { usualColumns } from "./columns.ts";

const gap = 2;
/** The share of the width that the names of the rows may take before they wrap. */
const nameShare = 0.42;

type Row = readonly string[];

/**
 * Formats a table for a terminal, with the names on the left and the figures on the right. Columns that do not fit
 * beside the names follow below as another table. A cell that is too wide by itself wraps between words.
 */
export function textTable(head: Row, rows: readonly Row[], columns = usualColumns): string {
  const nameWidth = Math.min(
    widest([head, ...rows].map(([name = ""]) => name)),
    Math.floor(columns * nameShare),
  );
  const room = columns - nameWidth - gap;
  const cells = [head, ...rows].map((row) =>
    row.map((cell, column) => Bun.wrapAnsi(cell, column === 0 ? nameWidth : room).split("\n")),
  );
  const widths = head.map((_, column) => widest(cells.flatMap((row) => row[column] ?? [])));
  const parts = bands(widths, columns).map((shown) =>
    cells.flatMap((row) => linesOf(row, shown, widths)).join("\n"),
  );
  return parts.join("\n\n");
}

/** Returns which columns stand beside each other, each time with the names first. */
function bands([nameWidth = 0, ...widths]: readonly number[], columns: number): number[][] {
  const found: number[][] = [];
  let taken = Number.POSITIVE_INFINITY;
  for (const [index, width] of widths.entries()) {
    if (taken + gap + width > columns) {
      found.push([0]);
      taken = nameWidth;
    }
    found.at(-1)?.push(index + 1);
    taken += gap + width;
  }
  return found;
}

function linesOf(row: readonly string[][], shown: readonly number[], widths: readonly number[]): string[] {
  const height = Math.max(...shown.map((column) => row[column]?.length ?? 0));
  return Array.from({ length: height }, (_, line) => {
    const cells = shown.map((column) => {
      const text = row[column]?.[line] ?? "";
      const padding = " ".repeat((widths[column] ?? 0) - Bun.stringWidth(text));
      return column === 0 ? text + padding : padding + text;
    });
    return cells.join(" ".repeat(gap)).trimEnd();
  });
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => Bun.stringWidth(text)));
}
