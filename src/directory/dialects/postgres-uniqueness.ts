import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { RunSql } from "./dialect.ts";
import type { PostgresColumn } from "./postgres-catalogue.ts";
import { quote } from "./postgres-fixes.ts";

export interface UniqueColumns {
  readonly columns: readonly string[];
  /** The condition of a unique index over a part of the table's login ids, if there is one. */
  readonly partial: string | null;
}

export const nothingUnique: UniqueColumns = { columns: [], partial: null };

/**
 * Where tables inherit from this one, its index does not cover their rows. An index by another collation counts where
 * both call only the same bytes equal.
 */
const tableQuery = `
  SELECT a.attname AS name, i.indpred IS NOT NULL AS "isPartial", i.indexrelid::int8::text AS index
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indrelid
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
  WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indexprs IS NULL AND i.indnkeyatts = 1
    AND (c.relkind = 'p' OR NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = i.indrelid))
    AND (i.indcollation[0] = a.attcollation OR NOT EXISTS (
      SELECT FROM pg_collation WHERE oid IN (i.indcollation[0], a.attcollation) AND NOT collisdeterministic))`;

/** It waits for whoever alters the table. */
const conditionQuery =
  "SELECT pg_get_expr(indpred, indrelid) AS condition FROM pg_index WHERE indexrelid = $1::int8::oid";

const indexQuery = `
  SELECT i.indisunique AND i.indisvalid AND i.indexprs IS NULL AND i.indnkeyatts = 1 AS "isUnique"
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2`;

const Indexes = Type.Array(
  Type.Object({ name: Type.String(), isPartial: Type.Boolean(), index: Type.String() }),
);
const Condition = Type.Tuple([Type.Object({ condition: Type.String() })]);
const IndexFacts = Type.Tuple([Type.Object({ isUnique: Type.Boolean() })]);

const Node = Type.Object({
  "Node Type": Type.String(),
  Schema: Type.Optional(Type.String()),
  "Index Name": Type.Optional(Type.String()),
  "Index Cond": Type.Optional(Type.String()),
  "Inner Unique": Type.Optional(Type.Boolean()),
});
const Plan = Type.Tuple([Type.Object({ "QUERY PLAN": Type.Tuple([Type.Object({ Plan: Node })]) })]);
/** A SET answers with no rows, and the statements of one text with one result each. */
const Explained = Type.Tuple([Type.Unknown(), Type.Unknown(), Plan]);

/** A login id that is asked for, to be found again in the plan. */
const asked = "ownid-sidecar asks";

export async function findUniqueColumns(
  run: RunSql,
  { table, loginId, isView }: { table: string; loginId: PostgresColumn | null; isView: boolean },
): Promise<UniqueColumns> {
  if (isView) {
    const isProven = loginId !== null && (await isUniqueInView(run, table, loginId));
    return { columns: isProven ? [loginId.name] : [], partial: null };
  }
  const indexes = Value.Parse(Indexes, await run(tableQuery, [table]));
  const columns = indexes.filter(({ isPartial }) => !isPartial).map((index) => index.name);
  const partly = indexes.find(({ name }) => name === loginId?.name && !columns.includes(name));
  if (partly === undefined) return { columns, partial: null };
  const [{ condition }] = Value.Parse(Condition, [...(await run(conditionQuery, [partly.index]))]);
  return { columns, partial: condition };
}

/**
 * Has Postgres prove it. Its planner says of a join whether a row can meet several rows of the view, which follows from
 * a unique index over the whole table; and it looks a login id up in a partial index only if the view's WHERE implies
 * the index's. A role without SELECT cannot ask: then nothing is proven, and the lookup says what is missing.
 */
async function isUniqueInView(run: RunSql, table: string, { name, type }: PostgresColumn): Promise<boolean> {
  const column = `u.${quote(name)}`;
  try {
    const join = await explain(
      run,
      ["enable_hashjoin = off", "enable_mergejoin = off"],
      `SELECT ${column} FROM generate_series(1, 1) AS g(n)
       LEFT JOIN ${table} AS u ON ${column} = CAST(g.n::text AS ${type})`,
    );
    if (join["Inner Unique"] === true) return true;
    // A condition that the index does not imply is dear, so that a narrower index is preferred whatever it costs.
    const lookup = await explain(
      run,
      ["enable_seqscan = off", "cpu_operator_cost = 1000000"],
      `SELECT ${column} FROM ${table} AS u WHERE ${column} = CAST('${asked}' AS ${type})`,
    );
    if (!lookup["Node Type"].startsWith("Index") || !lookup["Index Cond"]?.includes(asked)) return false;
    const place = [lookup.Schema ?? "", lookup["Index Name"] ?? ""];
    return Value.Parse(IndexFacts, [...(await run(indexQuery, place))])[0].isUnique;
  } catch {
    return false;
  }
}

/** The settings hold for this text alone, which is one transaction. */
async function explain(run: RunSql, [one, other]: readonly [string, string], select: string) {
  const text = `SET LOCAL ${one}; SET LOCAL ${other}; EXPLAIN (VERBOSE, FORMAT JSON) ${select}`;
  const [, , plan] = Value.Parse(Explained, [...(await run(text))].map(asRows));
  return plan[0]["QUERY PLAN"][0].Plan;
}

/** The driver's rows carry members of their own, which a schema would not let pass. */
function asRows(result: unknown): unknown {
  return Array.isArray(result) ? [...result] : result;
}
