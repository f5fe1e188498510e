import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import {
  type ColumnFacts,
  type ColumnKind,
  neededPrivileges,
  quoteTable,
  type RunSql,
  splitTable,
  type TableFacts,
  type TableNames,
} from "./dialect.ts";
import { stateVariables } from "./mysql-unfit-states.ts";

const quote = (identifier: string) => `\`${identifier.replaceAll("`", "``")}\``;

const numberTypes = new Set([
  "tinyint",
  "smallint",
  "mediumint",
  "int",
  "bigint",
  "decimal",
  "float",
  "double",
]);
const textTypes = new Set(["varchar", "tinytext", "text", "mediumtext", "longtext"]);

const columnsQuery = `
  SELECT column_name AS name, column_type AS type, data_type AS base, character_set_name AS charset,
         CAST(character_maximum_length AS CHAR) AS characters, CAST(character_octet_length AS CHAR) AS bytes,
         version() AS version, @@global.time_zone AS timeZone,
         concat_ws(' ', @@character_set_client, @@character_set_connection, @@character_set_results) AS spoken
  FROM information_schema.columns WHERE table_schema = coalesce(?, database()) AND table_name = ?`;

const uniqueColumnsQuery = `
  SELECT min(column_name) AS name
  FROM information_schema.statistics
  WHERE table_schema = coalesce(?, database()) AND table_name = ? AND non_unique = 0
  GROUP BY index_name HAVING count(*) = 1 AND count(sub_part) = 0 AND count(column_name) = 1`;

const tablesQuery = `
  SELECT table_name AS name FROM information_schema.tables WHERE table_schema = coalesce(?, database())`;

/** MariaDB only. It shows a constraint to accounts that may change more than single columns. */
const constraintsQuery = `
  SELECT check_clause AS clause FROM information_schema.check_constraints
  WHERE constraint_schema = coalesce(?, database()) AND table_name = ?`;

const variablesQuery = `SHOW VARIABLES WHERE variable_name IN ('${stateVariables.join("', '")}')`;

const optionalText = Type.Union([Type.String(), Type.Null()]);
const Columns = Type.Array(
  Type.Object({
    name: Type.String(),
    type: Type.String(),
    base: Type.String(),
    charset: optionalText,
    characters: optionalText,
    bytes: optionalText,
    version: Type.String(),
    timeZone: Type.String(),
    spoken: Type.String(),
  }),
);
const Constraints = Type.Array(Type.Object({ clause: Type.String() }));
const Names = Type.Array(Type.Object({ name: Type.String() }));
const Variables = Type.Array(Type.Object({ Variable_name: Type.String() }));

export interface Server {
  readonly isMariaDb: boolean;
  readonly timeZone: string;
  /** Which of `stateVariables` it has. */
  readonly variables: ReadonlySet<string>;
}

/** The table as the information schema describes it to this account, and which server this is. */
export async function inspectMysql(run: RunSql, names: TableNames): Promise<Server & { facts: TableFacts }> {
  const { schema, table } = splitTable(names.table);
  const columns = Value.Parse(Columns, await run(columnsQuery, [schema, table]));
  const unique = Value.Parse(Names, await run(uniqueColumnsQuery, [schema, table]));
  const tables = columns.length > 0 ? [] : Value.Parse(Names, await run(tablesQuery, [schema]));
  const variables = Value.Parse(Variables, await run(variablesQuery));
  const isMariaDb = columns.some(({ version }) => version.includes("MariaDB"));
  const jsonColumns = isMariaDb ? await findJsonColumns(run, names, columns) : [];
  const facts: TableFacts = {
    columns: columns.map((column) => ({
      name: column.name,
      type: jsonColumns.includes(column) ? "json" : column.type,
      kind: jsonColumns.includes(column) ? "other" : kindOf(column.base),
      capacity: capacityOf(column),
      unicode: column.charset === "utf8mb4",
    })),
    uniqueColumns: unique.map(({ name }) => name),
    tables: tables.map(({ name }) => name),
    otherProblems: columns.length > 0 ? connectionProblems(columns[0]) : [mayBeHidden(names)],
  };
  return {
    isMariaDb,
    timeZone: columns[0]?.timeZone ?? "SYSTEM",
    variables: new Set(variables.map(({ Variable_name }) => Variable_name)),
    facts,
  };
}

function kindOf(base: string): ColumnKind {
  if (textTypes.has(base)) return "text";
  if (base === "char") return "padded text";
  return numberTypes.has(base) || base === "bit" ? "number" : "other";
}

function capacityOf(column: {
  base: string;
  characters: string | null;
  bytes: string | null;
}): ColumnFacts["capacity"] {
  if (column.base === "varchar" || column.base === "char") {
    return { amount: Number(column.characters), unit: "characters" };
  }
  return column.bytes === null ? null : { amount: Number(column.bytes), unit: "bytes" };
}

/** In MariaDB, json is LONGTEXT with a constraint that refuses everything else. */
async function findJsonColumns<Column extends { name: string }>(
  run: RunSql,
  names: TableNames,
  columns: readonly Column[],
): Promise<Column[]> {
  const { schema, table } = splitTable(names.table);
  const constraints = Value.Parse(Constraints, await run(constraintsQuery, [schema, table]));
  const isJson = (name: string) =>
    constraints.some(({ clause }) => clause.includes(`json_valid(${quote(name)})`));
  return columns.filter(({ name }) => isJson(name));
}

/** `skip-character-set-client-handshake`: everything but ASCII would be stored as something else. */
function connectionProblems(column: { spoken: string } | undefined): string[] {
  if (column === undefined || column.spoken.split(" ").every((charset) => charset === "utf8mb4")) return [];
  return [
    `DATABASE_URL: the server makes every connection speak ${column.spoken.split(" ")[0]}, so values would change. ` +
      "Remove skip-character-set-client-handshake from its configuration, or set character-set-server=utf8mb4.",
  ];
}

function mayBeHidden(names: TableNames): string {
  return `USERS_TABLE: if the table is there, this account may not see it: ${grantStatements(names)}`;
}

export function grantStatements(names: TableNames): string {
  return `GRANT ${neededPrivileges(names, quote)} ON ${quoteTable(names.table, quote)} TO <the sidecar's user>;`;
}
