import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { nullableText } from "../nullable-text.ts";
import { type CountRepeats, noRepeats } from "../repeated-login-ids.ts";
import {
  type ColumnFacts,
  type ColumnKind,
  quoteTable,
  type RunSql,
  splitTable,
  type TableFacts,
  type TableNames,
} from "./dialect.ts";
import { sqliteFixes } from "./sqlite-fixes.ts";
import { quote } from "./sqlite-spelling.ts";

const columnsQuery =
  'SELECT name, upper(type) AS type, "notnull" AS isRequired, pk AS keyPosition FROM pragma_table_xinfo(?1, ?2)';

/** The indexes that cover one column alone. */
const uniqueIndexesQuery = `
  SELECT il.name AS "index", min(ii.name) AS name, il.partial AS partial
  FROM pragma_index_list(?1, ?2) il, pragma_index_info(il.name, ?2) ii
  WHERE il."unique" = 1
  GROUP BY il.name HAVING count(*) = 1 AND count(ii.name) = 1`;

const tablesQuery = "SELECT name FROM pragma_table_list WHERE schema = ?1 AND name NOT LIKE 'sqlite_%'";

const placeQuery = `
  SELECT (SELECT type FROM pragma_table_list WHERE name = ?1 AND schema = ?2) AS type,
         (SELECT file FROM pragma_database_list WHERE name = ?2) AS file`;

const Column = Type.Object({
  name: Type.String(),
  type: Type.String(),
  isRequired: Type.Number(),
  keyPosition: Type.Integer(),
});
const Columns = Type.Array(Column);
const Names = Type.Array(Type.Object({ name: Type.String() }));
const Indexes = Type.Array(
  Type.Object({ index: Type.String(), name: Type.String(), partial: Type.Number() }),
);
const Place = Type.Tuple([Type.Object({ type: nullableText, file: nullableText })]);
const Definitions = Type.Array(Type.Object({ name: Type.String(), sql: Type.String() }));

/** Describes the table as SQLite's schema shows it. */
export async function inspectSqlite(
  run: RunSql,
  names: TableNames,
  count: CountRepeats,
): Promise<TableFacts> {
  const { schema, table } = splitTable(names.table);
  const place = [table, schema ?? "main"];
  const fullName = quoteTable(names.table, quote);
  const [{ type: relation, file }] = Value.Parse(Place, [...(await run(placeQuery, place))]);
  const columns = Value.Parse(Columns, await run(columnsQuery, place));
  const indexes = Value.Parse(Indexes, await run(uniqueIndexesQuery, place));
  const unique = [...rowIdAmong(columns), ...(await findUniqueColumns(run, names.table, indexes))];
  const loginId = columns.find(({ name }) => name === names.loginIdColumn);
  const isCounted =
    loginId !== undefined && kindOf(loginId.type) === "text" && !unique.includes(loginId.name);
  const repeats = isCounted ? await count(fullName, quote(loginId.name)).catch(() => null) : noRepeats;
  const isView = relation === "view";
  const definitions = isCounted ? await definitionsOf(run, names) : [];
  const partly = indexes.find(({ name, partial }) => isCounted && name === loginId.name && partial === 1);
  const partial = partly?.index ?? null;
  const tables = columns.length > 0 ? [] : Value.Parse(Names, await run(tablesQuery, [schema ?? "main"]));
  return {
    fullName,
    columns: columns.map(describe),
    isView,
    rollsBack: true,
    isUpdatable: !isView,
    confirmsUpdates: false,
    uniqueColumns: unique,
    repeats,
    tables: tables.map(({ name }) => name),
    hidesForbidden: false,
    account: "",
    otherProblems: [],
    fixes: sqliteFixes({ names, isView, columns, file, definitions, partial, repeats }),
  };
}

/** An INTEGER PRIMARY KEY is the row's own id and has no index. */
function rowIdAmong(columns: Static<typeof Columns>): string[] {
  const [first, ...others] = columns.filter(({ keyPosition }) => keyPosition > 0);
  return first?.type === "INTEGER" && others.length === 0 ? [first.name] : [];
}

/**
 * An index with another collation than the column's permits two rows that one lookup finds, and speeds up no lookup.
 */
async function findUniqueColumns(
  run: RunSql,
  table: string,
  indexes: readonly { readonly index: string; readonly name: string; readonly partial: number }[],
): Promise<string[]> {
  const columns: string[] = [];
  for (const { index, name } of indexes.filter(({ partial }) => partial === 0)) {
    const column = `u.${quote(name)}`;
    const lookup = `SELECT 1 FROM ${quoteTable(table, quote)} AS u INDEXED BY ${quote(index)} WHERE ${column} = ?1`;
    const plan = await run(`EXPLAIN QUERY PLAN ${lookup}`, [""]).catch(() => []);
    if (JSON.stringify(plan).includes("SEARCH")) columns.push(name);
  }
  return columns;
}

/** Returns the SQL that created the table and its indexes, in the site's own words. */
async function definitionsOf(run: RunSql, names: TableNames) {
  const { schema, table } = splitTable(names.table);
  const from = `${quote(schema ?? "main")}.sqlite_schema`;
  const query = `SELECT name, sql FROM ${from} WHERE tbl_name = ?1 COLLATE NOCASE AND sql IS NOT NULL`;
  return Value.Parse(Definitions, await run(query, [table]));
}

function describe({ name, type, isRequired }: Static<typeof Column>): ColumnFacts {
  return {
    name,
    type: type === "" ? "without a type" : type,
    kind: kindOf(type),
    capacity: declaredCapacity(type),
    unicode: true,
    nullable: isRequired === 0,
  };
}

/** Follows SQLite's rules of affinity. A CHAR is not padded here, and a column may have no type at all. */
function kindOf(type: string): ColumnKind {
  if (/CHAR|CLOB|TEXT/.test(type) || type === "") return "text";
  if (/BOOL/.test(type)) return "boolean";
  return /INT|REAL|FLOA|DOUB|NUM|DEC/.test(type) ? "number" : "other";
}

/** SQLite itself stores more than VARCHAR(n) declares, but whoever declared it relies on n. */
function declaredCapacity(type: string): ColumnFacts["capacity"] {
  const declared = /CHAR.*\(\s*(\d+)\s*\)/.exec(type)?.[1];
  return declared === undefined ? null : { amount: Number(declared), unit: "characters" };
}
