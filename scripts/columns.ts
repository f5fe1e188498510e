/** The width for which commands lay out their text if the width of the terminal is unknown. */
export const usualColumns = 80;
/** The minimum width. Text that is wrapped in fewer columns is harder to read than text that the terminal wraps. */
const columnsMin = 20;

/** Returns the width of a stream's terminal. A terminal whose size was never set reports 0. */
export function columnsOf({ columns }: { readonly columns?: number | undefined }): number {
  return columns || usualColumns;
}

/**
 * Wraps the text to this many columns. Every line after the first is indented, so that the text stands beside what
 * precedes it.
 */
export function wrapBeside(indent: number, text: string, columns = usualColumns): string {
  const lines = Bun.wrapAnsi(text, Math.max(columnsMin, columns - indent)).split("\n");
  return lines.join(`\n${" ".repeat(indent)}`);
}

/** Returns two columns: the names, and the texts beside them. */
export function describeEach(entries: readonly (readonly [name: string, text: string])[]): string {
  const width = Math.max(0, ...entries.map(([name]) => Bun.stringWidth(name)));
  return entries
    .map(
      ([name, text]) =>
        `  ${name}${" ".repeat(width - Bun.stringWidth(name))}  ${wrapBeside(width + 4, text)}`,
    )
    .join("\n");
}
