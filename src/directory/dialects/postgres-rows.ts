import { type Static, Type } from "@sinclair/typebox";
import { nullableText } from "../nullable-text.ts";

/**
 * Returns the rows of the last statement in a text with several. The driver's rows have members of their own, which a
 * schema would reject.
 */
export function lastRows(results: readonly unknown[]): unknown {
  const last = results.at(-1);
  return Array.isArray(last) ? [...last] : last;
}

export const PostgresServer = Type.Object({
  account: Type.String(),
  mayEnter: Type.Boolean(),
  encoding: Type.String(),
  database: Type.String(),
  collate: Type.String(),
  ctype: Type.String(),
});
export type PostgresDatabase = Static<typeof PostgresServer>;

export const PostgresColumns = Type.Array(
  Type.Object({
    name: Type.String(),
    type: Type.String(),
    base: Type.String(),
    characters: Type.Union([Type.Number(), Type.Null()]),
    /** `pg_class.relkind`. */
    relation: Type.String(),
    /** An UPDATE with RETURNING is refused if a rule replaces it. */
    confirmsUpdates: Type.Boolean(),
    /** Whether there are partitions, or tables that inherit from this one. */
    hasDescendants: Type.Boolean(),
    isUpdatable: Type.Boolean(),
    isReadable: Type.Boolean(),
    nullable: Type.Boolean(),
    isNotNullByDomain: Type.Boolean(),
    defaultByDomain: nullableText,
    /** Whether a view, a rule, a trigger or a policy names the column, so that its type cannot change. */
    isUsedByOthers: Type.Boolean(),
  }),
);
export type PostgresColumn = Static<typeof PostgresColumns>[number];
