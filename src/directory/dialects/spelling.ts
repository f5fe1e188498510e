import type { SQL } from "bun";

/**
 * How a database spells what other statements than the directory's own need: those of `sync`, the doctor and the
 * emulator's site.
 */
export interface Spelling {
  quote(identifier: string): string;
  /** Returns the parameter at a position, counted from 1. */
  parameter(position: number): string;
  /** The first parameter, as a text. */
  readonly firstAsText: string;
  /** Returns the value of a column as a text, whatever its type. */
  text(column: string): string;
  isText(column: string): string;
  /** Whether the column holds a text that is not empty. */
  isFilled(column: string): string;
  /** Whether the column is true, or a number other than 0, whatever its type. */
  isTrue(column: string): string;

  /** Returns `account`, the sidecar's account as GRANT writes it, and `nowMs`, the server's clock. */
  readonly identity: string;
  /** The length of a text in characters. */
  characters(text: string): string;
  /** The length of a text in bytes of UTF-8. */
  bytes(text: string): string;
  /** Returns the text so that it equals only the same bytes. */
  bytewise(text: string): string;
  /** Returns the column as functions accept it, without its collation. */
  plain(column: string): string;
  /** Returns the column in lower case, as close to `toLowerCase()` as the database comes. */
  lowered(column: string): string;

  /** Runs a statement that reads a whole table. The server gives it up after `limitMs` if it can. */
  scan(sql: SQL, text: string, limitMs: number): Promise<readonly unknown[]>;
  /** Returns the plan of a statement with two parameters, with a planner that uses an index whenever it can. */
  plan(sql: SQL, text: string): Promise<readonly unknown[]>;
  /** Returns whether the plan, as text, looks up rows in an index. */
  usesIndex(plan: string): boolean;
}

/** Puts a prefix such as EXPLAIN in front of a SELECT. */
export function beforeSelect(prefix: string, text: string): string {
  return text.replace("SELECT", `${prefix} SELECT`);
}

/** Encloses an identifier in quotation marks and doubles those that it contains. */
export function quoteWith(mark: string): (identifier: string) => string {
  return (identifier) => mark + identifier.replaceAll(mark, mark + mark) + mark;
}
