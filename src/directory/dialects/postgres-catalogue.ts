import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { type ColumnKind, quoteTable, type RunSql, type TableFacts, type TableNames } from "./dialect.ts";
import { operatorProblems } from "./postgres-operator.ts";

const quote = (identifier: string) => `"${identifier.replaceAll('"', '""')}"`;

const kindByType: Record<string, ColumnKind> = {
  text: "text",
  varchar: "text",
  citext: "text",
  bpchar: "padded text",
  bool: "boolean",
  int2: "number",
  int4: "number",
  int8: "number",
  numeric: "number",
  float4: "number",
  float8: "number",
};

/** $1 is the quoted table name. A domain counts as the type it is made of. */
const columnsQuery = `
  SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, b.typname AS base,
         CASE WHEN b.typname IN ('varchar', 'bpchar')
              THEN nullif(greatest(a.atttypmod, t.typtypmod), -1) - 4 END AS characters,
         current_setting('server_encoding') AS encoding
  FROM pg_attribute a
  JOIN pg_type t ON t.oid = a.atttypid
  JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
  WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped`;

const uniqueColumnsQuery = `
  SELECT a.attname AS name
  FROM pg_index i
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
  WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid
    AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnkeyatts = 1`;

/** Named as USERS_TABLE would have to name them. */
const tablesQuery = `
  SELECT CASE WHEN pg_table_is_visible(c.oid) THEN '' ELSE n.nspname || '.' END || c.relname AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname !~ '^(pg_|information_schema$)'`;

const Columns = Type.Array(
  Type.Object({
    name: Type.String(),
    type: Type.String(),
    base: Type.String(),
    characters: Type.Union([Type.Number(), Type.Null()]),
    encoding: Type.String(),
  }),
);
const Names = Type.Array(Type.Object({ name: Type.String() }));

/** The table as Postgres's catalogue describes it. */
export async function inspectPostgres(run: RunSql, names: TableNames): Promise<TableFacts> {
  const table = quoteTable(names.table, quote);
  const columns = Value.Parse(Columns, await run(columnsQuery, [table]));
  const unique = Value.Parse(Names, await run(uniqueColumnsQuery, [table]));
  const tables = columns.length > 0 ? [] : Value.Parse(Names, await run(tablesQuery));
  return {
    columns: columns.map(({ name, type, base, characters, encoding }) => ({
      name,
      type,
      kind: kindByType[base] ?? "other",
      capacity: characters === null ? null : { amount: characters, unit: "characters" },
      unicode: encoding === "UTF8",
    })),
    uniqueColumns: unique.map(({ name }) => name),
    tables: tables.map(({ name }) => name),
    otherProblems: await operatorProblems(run, table, names),
  };
}
