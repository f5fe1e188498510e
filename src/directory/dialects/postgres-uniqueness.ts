import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { RunSql } from "./dialect.ts";
import { lastRows, type PostgresColumn } from "./postgres-rows.ts";
import { quote } from "./postgres-spelling.ts";

export interface UniqueColumns {
  readonly columns: readonly string[];
  /** The condition of a unique index over some of the table's login ids, if there is one. */
  readonly partial: string | null;
}

export const nothingUnique: UniqueColumns = { columns: [], partial: null };

/** An index with another collation than its column's is accepted if both consider only identical bytes equal. */
const sameTexts = `(i.indcollation[0] = a.attcollation OR NOT EXISTS (
  SELECT FROM pg_collation WHERE oid IN (i.indcollation[0], a.attcollation) AND NOT collisdeterministic))`;

/** If tables inherit from this one, its index does not cover their rows. */
const tableQuery = `
  SELECT a.attname AS name, i.indpred IS NOT NULL AS "isPartial", i.indexrelid::int8::text AS index
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indrelid
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
  WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indexprs IS NULL AND i.indnkeyatts = 1
    AND (c.relkind = 'p' OR NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = i.indrelid))
    AND ${sameTexts}`;

/** This query waits for a session that alters the table. */
const conditionQuery =
  "SELECT pg_get_expr(indpred, indrelid) AS condition FROM pg_index WHERE indexrelid = $1::int8::oid";

/**
 * With an operator class that is not the default, or a collation that considers other texts equal, the index would be
 * unique in another sense.
 */
const keyQuery = `
  SELECT quote_ident(a.attname) AS key
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
  JOIN pg_opclass o ON o.oid = i.indclass[0]
  WHERE n.nspname = $1 AND c.relname = $2 AND i.indisunique AND i.indisvalid AND i.indexprs IS NULL
    AND i.indnkeyatts = 1 AND o.opcdefault AND ${sameTexts}`;

const Indexes = Type.Array(
  Type.Object({ name: Type.String(), isPartial: Type.Boolean(), index: Type.String() }),
);
const Condition = Type.Tuple([Type.Object({ condition: Type.String() })]);
const Keys = Type.Array(Type.Object({ key: Type.String() }));

const Node = Type.Object({
  "Node Type": Type.String(),
  Schema: Type.Optional(Type.String()),
  "Index Name": Type.Optional(Type.String()),
  Alias: Type.Optional(Type.String()),
  Output: Type.Optional(Type.Array(Type.String())),
  "Inner Unique": Type.Optional(Type.Boolean()),
});
const Plan = Type.Tuple([Type.Object({ "QUERY PLAN": Type.Tuple([Type.Object({ Plan: Node })]) })]);

interface Examined {
  /** The quoted name. */
  readonly table: string;
  readonly isView: boolean;
  readonly loginId: PostgresColumn | null;
  readonly ownIdData: PostgresColumn | null;
}

export async function findUniqueColumns(run: RunSql, examined: Examined): Promise<UniqueColumns> {
  const { table, isView, loginId } = examined;
  if (isView) {
    const isUnique = loginId !== null && (await isUniqueInView(run, { ...examined, loginId }));
    return { columns: isUnique ? [loginId.name] : [], partial: null };
  }
  const indexes = Value.Parse(Indexes, await run(tableQuery, [table]));
  const columns = indexes.filter(({ isPartial }) => !isPartial).map((index) => index.name);
  const partly = indexes.find(({ name }) => name === loginId?.name && !columns.includes(name));
  if (partly === undefined) return { columns, partial: null };
  const [{ condition }] = Value.Parse(Condition, [...(await run(conditionQuery, [partly.index]))]);
  return { columns, partial: condition };
}

/**
 * Lets Postgres prove that login ids are unique in a view. For a unique index over the whole table, its planner
 * reports of a join whether a row can match several rows of the view. A partial index is used to read a view only if
 * the view's WHERE implies the condition of the index, whether nothing else makes the index useful or it provides the
 * order.
 *
 * If the role may not read something, it may not explain it either. That proves nothing against the view, and the
 * lookup that is tried next shows what is missing.
 */
async function isUniqueInView(
  run: RunSql,
  { table, loginId, ownIdData }: Examined & { readonly loginId: PostgresColumn },
): Promise<boolean> {
  const columns = [loginId, ...(ownIdData === null ? [] : [ownIdData])];
  if (!columns.every(({ isReadable }) => isReadable)) return true;
  const column = `u.${quote(loginId.name)}`;
  const read = columns.map(({ name }) => `u.${quote(name)}`).join(", ");
  const joined = `SELECT ${column} FROM generate_series(1, 1) AS g(n)
                  LEFT JOIN ${table} AS u ON ${column} = CAST(g.n::text AS ${loginId.type})`;
  const join = await explain(run, ["enable_hashjoin", "enable_mergejoin"], joined);
  if (join["Inner Unique"] === true) return true;
  for (const select of [
    `SELECT ${read} FROM ${table} AS u`,
    `SELECT ${read} FROM ${table} AS u ORDER BY ${column}`,
  ]) {
    const plan = await explain(run, ["enable_seqscan", "enable_bitmapscan", "enable_sort"], select);
    if (await isByUniqueIndex(run, plan)) return true;
  }
  return false;
}

/** Returns whether the plan is only a scan of a unique index whose key is the first column that is read. */
async function isByUniqueIndex(run: RunSql, plan: Static<typeof Node>): Promise<boolean> {
  const { Alias: alias = "", Output: [read] = [] } = plan;
  if (!plan["Node Type"].startsWith("Index")) return false;
  const keys = Value.Parse(Keys, await run(keyQuery, [plan.Schema ?? "", plan["Index Name"] ?? ""]));
  return keys.some(({ key }) => read === `${alias}.${key}` || read === `${quote(alias)}.${key}`);
}

/** Explains the query without these ways to read. They are turned off only for this text, which is one transaction. */
async function explain(run: RunSql, ways: readonly string[], select: string) {
  const off = ways.map((way) => `SET LOCAL ${way} = off; `).join("");
  const results = await run(`${off}EXPLAIN (VERBOSE, FORMAT JSON) ${select}`);
  const [plan] = Value.Parse(Plan, lastRows(results));
  return plan["QUERY PLAN"][0].Plan;
}
