import { columnsOf } from "./columns.ts";

/** The width and the colors for which a text is laid out. */
export interface Page {
  readonly columns: number;
  readonly hasColors: boolean;
}

/** Returns the page of standard output: in color on a terminal, unless NO_COLOR is set (https://no-color.org). */
export function outputPage(): Page {
  const { stdout } = process;
  return { columns: columnsOf(stdout), hasColors: stdout.isTTY === true && !process.env.NO_COLOR };
}

/** Returns a function that puts a text between the escape sequences of an SGR code, such as `31;1` for bold red. */
export function painterFor({ hasColors }: Pick<Page, "hasColors">): (code: string, text: string) => string {
  return (code, text) => (hasColors ? `\x1b[${code}m${text}\x1b[0m` : text);
}
