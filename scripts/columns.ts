/** What the texts of the commands are laid out for where nobody knows how wide the terminal is. */
export const usualColumns = 80;
/** However narrow the terminal is: what wraps in fewer columns is harder to read than what the terminal wraps. */
const columnsMin = 20;

/** How wide a stream's terminal is. A terminal that was given no size says 0. */
export function columnsOf({ columns }: { readonly columns?: number | undefined }): number {
  return columns || usualColumns;
}

/** The text in lines of so many columns, each after the first one indented, so that it stands beside what precedes it. */
export function wrapBeside(indent: number, text: string, columns = usualColumns): string {
  const lines = Bun.wrapAnsi(text, Math.max(columnsMin, columns - indent)).split("\n");
  return lines.join(`\n${" ".repeat(indent)}`);
}

/** Two columns: the names, and beside them the texts. */
export function describeEach(entries: readonly (readonly [name: string, text: string])[]): string {
  const width = Math.max(0, ...entries.map(([name]) => Bun.stringWidth(name)));
  return entries
    .map(
      ([name, text]) =>
        `  ${name}${" ".repeat(width - Bun.stringWidth(name))}  ${wrapBeside(width + 4, text)}`,
    )
    .join("\n");
}
