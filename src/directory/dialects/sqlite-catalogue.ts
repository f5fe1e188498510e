import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import {
  type ColumnFacts,
  type ColumnKind,
  type RunSql,
  splitTable,
  type TableFacts,
  type TableNames,
} from "./dialect.ts";

const columnsQuery = "SELECT name, upper(type) AS type FROM pragma_table_xinfo(?1, ?2)";

const uniqueColumnsQuery = `
  SELECT min(ii.name) AS name
  FROM pragma_index_list(?1, ?2) il, pragma_index_info(il.name, ?2) ii
  WHERE il."unique" = 1 AND il.partial = 0
  GROUP BY il.name HAVING count(*) = 1 AND count(ii.name) = 1`;

const tablesQuery = "SELECT name FROM pragma_table_list WHERE schema = ?1 AND name NOT LIKE 'sqlite_%'";

const Columns = Type.Array(Type.Object({ name: Type.String(), type: Type.String() }));
const Names = Type.Array(Type.Object({ name: Type.String() }));

/** The table as SQLite's schema describes it. */
export async function inspectSqlite(run: RunSql, names: TableNames): Promise<TableFacts> {
  const { schema, table } = splitTable(names.table);
  const place = [table, schema ?? "main"];
  const columns = Value.Parse(Columns, await run(columnsQuery, place));
  const unique = Value.Parse(Names, await run(uniqueColumnsQuery, place));
  const tables = columns.length > 0 ? [] : Value.Parse(Names, await run(tablesQuery, [schema ?? "main"]));
  return {
    columns: columns.map(({ name, type }) => ({
      name,
      type: type === "" ? "without a type" : type,
      kind: kindOf(type),
      capacity: declaredCapacity(type),
      unicode: true,
    })),
    uniqueColumns: unique.map(({ name }) => name),
    tables: tables.map(({ name }) => name),
    otherProblems: [],
  };
}

/** SQLite's own rules of affinity; here a CHAR is not padded, and a column may have no type at all. */
function kindOf(type: string): ColumnKind {
  if (/CHAR|CLOB|TEXT/.test(type) || type === "") return "text";
  if (/BOOL/.test(type)) return "boolean";
  return /INT|REAL|FLOA|DOUB|NUM|DEC/.test(type) ? "number" : "other";
}

/** SQLite itself would store more than VARCHAR(n) says, but whoever declared it counts on n. */
function declaredCapacity(type: string): ColumnFacts["capacity"] {
  const declared = /CHAR.*\(\s*(\d+)\s*\)/.exec(type)?.[1];
  return declared === undefined ? null : { amount: Number(declared), unit: "characters" };
}
