import type { SqlFailure } from "./sql-failure.ts";

/**
 * A state of the server or of the connection in which neither a row nor an UPDATE can be relied on. The statements
 * themselves ask for it, since a proxy may send another statement to another server.
 */
export interface UnfitState {
  /** The value of `unfit` in a row that was read in this state. */
  readonly name: string;
  /** An SQL expression that is true in this state. */
  readonly condition: string;
  readonly failure: SqlFailure;
  /** The SQL with which an administrator ends this state for new connections; `null` if one statement cannot. */
  readonly command: string | null;
}

/** Returns an SQL expression for the name of the first state that holds, or NULL. */
export function unfitExpression(states: readonly UnfitState[]): string {
  if (states.length === 0) return "NULL";
  const cases = states.map(({ name, condition }) => `WHEN ${condition} THEN '${name}'`);
  return `CASE ${cases.join(" ")} END`;
}
