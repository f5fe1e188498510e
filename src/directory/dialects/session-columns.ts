import type { ClaimColumn } from "../../config/session-claims.ts";

/** The columns that only sessions read. */
export interface SessionColumns {
  /** `SESSION_SUBJECT_COLUMN`; `null` = the login id is the subject. */
  readonly subject: string | null;
  /** `SESSION_CLAIMS`. */
  readonly claims: readonly ClaimColumn[];
}

/** Returns each of the columns once, in the order in which the statement selects them. */
export function sessionColumnsOf(session: SessionColumns | null): string[] {
  const { subject, claims } = session ?? { subject: null, claims: [] };
  return [...new Set([...(subject === null ? [] : [subject]), ...claims.map(({ column }) => column)])];
}

/** Returns the name that the statement gives a column: the column's own may be that of another member of the row. */
export function sessionAlias(index: number): string {
  return `session${index}`;
}

/**
 * Returns the end of a list of expressions, which selects the columns as texts. A text is what every driver returns
 * alike, and it does not round a number.
 *
 * @param textOf spells an expression for the text of a column
 */
export function selectSessionColumns<Column extends { readonly name: string }>(
  session: SessionColumns | null,
  { columns }: { readonly columns: readonly Column[] },
  textOf: (column: Column) => string,
): string {
  return sessionColumnsOf(session)
    .map((name, index) => {
      const column = columns.find((candidate) => candidate.name === name);
      return `, ${column === undefined ? "NULL" : textOf(column)} AS ${sessionAlias(index)}`;
    })
    .join("");
}
