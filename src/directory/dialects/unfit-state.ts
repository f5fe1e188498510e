import type { SqlFailure } from "./sql-failure.ts";

/**
 * A state of the server or of the connection in which neither a row nor an UPDATE can be relied on. The statements
 * ask for it themselves, since a proxy can have another statement answered by another server.
 */
export interface UnfitState {
  /** What `unfit` of a row contains in this state. */
  readonly name: string;
  /** An SQL expression that is true in this state. */
  readonly condition: string;
  readonly failure: SqlFailure;
  /** The SQL with which an administrator ends this state for new connections, where one statement can. */
  readonly command: string | null;
}

/** An SQL expression: the name of the first state that holds, or NULL where none does. */
export function unfitExpression(states: readonly UnfitState[]): string {
  if (states.length === 0) return "NULL";
  const cases = states.map(({ name, condition }) => `WHEN ${condition} THEN '${name}'`);
  return `CASE ${cases.join(" ")} END`;
}
