/**
 * `text` as one word of a command line that a person pastes into a shell. `Bun.$.escape` uses double quotes, in which
 * an interactive bash still expands `!`.
 */
export function shellWord(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
