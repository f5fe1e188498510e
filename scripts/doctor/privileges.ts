import { readColumns, type TableNames } from "../../src/directory/dialects/dialect.ts";
import type { Database } from "./database.ts";

export interface Privilege {
  /** As the database writes it: SELECT, DELETE and so on. */
  readonly privilege: string;
  /** `null` means the whole table, or more than that. */
  readonly column: string | null;
}

/** The columns that are read, and the one that is written. */
const needed: Readonly<Record<string, (names: TableNames) => readonly string[]>> = {
  SELECT: readColumns,
  UPDATE: ({ ownIdDataColumn }) => [ownIdDataColumn],
};

/** Returns whether the sidecar needs the privilege. */
export function isNeeded(
  { privilege, column }: Privilege,
  { names, facts }: Pick<Database, "names" | "facts">,
): boolean {
  const columns = needed[privilege]?.(names) ?? [];
  const reached = column === null ? facts.columns.map(({ name }) => name) : [column];
  return columns.length > 0 && reached.every((name) => columns.includes(name));
}

/** Describes each privilege once, in words. */
export function tellPrivileges(privileges: readonly Privilege[]): string[] {
  const tell = ({ privilege, column }: Privilege) => {
    if (column !== null) return `${privilege} of column "${column}"`;
    return Object.hasOwn(needed, privilege) ? `${privilege} of every column` : privilege;
  };
  return [...new Set(privileges.map(tell))];
}

/** Lists each privilege once, as GRANT and REVOKE write them. */
export function listPrivileges(
  privileges: readonly Privilege[],
  quote: (identifier: string) => string,
): string {
  const list = privileges.map(({ privilege, column }) =>
    column === null ? privilege : `${privilege} (${quote(column)})`,
  );
  return [...new Set(list)].join(", ");
}
