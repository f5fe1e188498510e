import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { Fix } from "../../fix.ts";
import { type CountRepeats, noRepeats } from "../repeated-login-ids.ts";
import type { TableProblem } from "../table-problem.ts";
import {
  type ColumnFacts,
  type ColumnKind,
  quoteTable,
  type RunSql,
  splitTable,
  type TableFacts,
  type TableNames,
} from "./dialect.ts";
import { postgresFixes } from "./postgres-fixes.ts";
import { operatorProblems } from "./postgres-operator.ts";
import {
  type PostgresColumn,
  PostgresColumns,
  type PostgresDatabase,
  PostgresServer,
} from "./postgres-rows.ts";
import { quote } from "./postgres-spelling.ts";
import { fullNameOf } from "./postgres-table-name.ts";
import { findUniqueColumns, nothingUnique } from "./postgres-uniqueness.ts";

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
  uuid: "symbol",
  enum: "symbol",
};

/** $1 is the name of the schema, or null. */
const serverQuery = `
  SELECT quote_ident(current_user) AS account, coalesce(has_schema_privilege(n.oid, 'USAGE'), true) AS "mayEnter",
         pg_encoding_to_char(d.encoding) AS encoding, d.datname AS database, d.datcollate AS collate, d.datctype AS ctype
  FROM pg_database d LEFT JOIN pg_namespace n ON n.nspname = $1 WHERE d.datname = current_database()`;

/**
 * If a rule or a trigger runs instead of the UPDATE of a view, or of a view that it selects from, the row is not
 * compared again after another writer has released it. Two writers could then both overwrite the same value.
 */
const runsInstead = `EXISTS (
  WITH RECURSIVE behind(oid) AS (
    SELECT c.oid
    UNION SELECT d.refobjid FROM behind b JOIN pg_rewrite r ON r.ev_class = b.oid AND r.ev_type = '1'
          JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass)
  SELECT FROM behind b JOIN pg_class v ON v.oid = b.oid AND v.relkind = 'v'
  WHERE EXISTS (SELECT FROM pg_rewrite WHERE ev_class = b.oid AND ev_type = '2' AND is_instead)
     OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = b.oid AND tgtype & 64 <> 0 AND tgtype & 16 <> 0))`;

/**
 * $1 is the quoted table name. A domain counts as its base type. Only the catalogue is read, since opening the table
 * would wait for a session that alters it. `relhasrules` stays true after the last rule is dropped, so the rules
 * themselves are read: under INSTEAD NOTHING, Postgres prepares an UPDATE as one that never does anything.
 */
const columnsQuery = `
  SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
         CASE b.typtype WHEN 'e' THEN 'enum' ELSE b.typname END AS base,
         CASE WHEN b.typname IN ('varchar', 'bpchar')
              THEN nullif(greatest(a.atttypmod, t.typtypmod), -1) - 4 END AS characters,
         c.relkind::text AS relation, c.relkind = 'r' AND NOT EXISTS (
           SELECT FROM pg_rewrite WHERE ev_class = c.oid) AS "confirmsUpdates",
         CASE WHEN c.relkind IN ('v', 'f') THEN pg_column_is_updatable(c.oid, a.attnum, false) AND NOT ${runsInstead}
              ELSE c.relkind IN ('r', 'p') END AS "isUpdatable",
         has_column_privilege(c.oid, a.attnum, 'SELECT') AS "isReadable",
         EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid) AS "hasDescendants",
         NOT (t.typnotnull OR a.attnotnull) AS nullable, t.typnotnull AND NOT a.attnotnull AS "isNotNullByDomain",
         CASE WHEN NOT a.atthasdef THEN t.typdefault END AS "defaultByDomain",
         EXISTS (SELECT FROM pg_depend d
                 WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid = a.attnum
                   AND d.classid IN ('pg_rewrite'::regclass, 'pg_trigger'::regclass, 'pg_policy'::regclass)
                ) AS "isUsedByOthers"
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_type t ON t.oid = a.atttypid
  JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
  WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped`;

/** The names as USERS_TABLE would have to spell them. */
const tablesQuery = `
  SELECT CASE WHEN pg_table_is_visible(c.oid) THEN '' ELSE n.nspname || '.' END || c.relname AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname !~ '^(pg_|information_schema$)'`;

const Names = Type.Array(Type.Object({ name: Type.String() }));

/** Describes the table as Postgres's catalogue shows it. */
export async function inspectPostgres(
  run: RunSql,
  names: TableNames,
  count: CountRepeats,
): Promise<TableFacts> {
  const { schema } = splitTable(names.table);
  const [database] = Value.Parse(Type.Tuple([PostgresServer]), [...(await run(serverQuery, [schema]))]);
  const { account, mayEnter } = database;
  const { table, columns } = await readTable(run, names, mayEnter);
  const isView = columns[0]?.relation === "v";
  const loginId = columns.find(({ name }) => name === names.loginIdColumn) ?? null;
  const ownIdData = columns.find(({ name }) => name === names.ownIdDataColumn) ?? null;
  const isThere = columns.length > 0;
  const unique = isThere
    ? await findUniqueColumns(run, { table, loginId, ownIdData, isView })
    : nothingUnique;
  const isCounted = loginId !== null && !unique.columns.includes(loginId.name) && loginId.base in kindByType;
  const repeats = isCounted ? await count(table, quote(loginId.name)).catch(() => null) : noRepeats;
  const partial = isCounted ? unique.partial : null;
  const fixes = postgresFixes({ names, database, columns, repeats, partial });
  return {
    fullName: table,
    columns: columns.map((column) => describe(column, database)),
    isView,
    rollsBack: true,
    isUpdatable: ownIdData?.isUpdatable ?? false,
    confirmsUpdates: ownIdData?.confirmsUpdates ?? false,
    uniqueColumns: unique.columns,
    repeats,
    tables: isThere ? [] : Value.Parse(Names, await run(tablesQuery)).map(({ name }) => name),
    hidesForbidden: false,
    account,
    otherProblems: mayEnter
      ? await operatorProblems(run, table, names)
      : [mayNotEnter(schema, fixes.grantTo(account))],
    fixes,
  };
}

/** A role that has no USAGE on the schema may not even ask whether the table exists. */
async function readTable(run: RunSql, names: TableNames, mayEnter: boolean) {
  const given = quoteTable(names.table, quote);
  if (!mayEnter) return { table: given, columns: [] };
  const table = await fullNameOf(run, given);
  return { table, columns: Value.Parse(PostgresColumns, await run(columnsQuery, [table])) };
}

function describe(
  { name, type, base, characters, nullable }: PostgresColumn,
  { encoding }: PostgresDatabase,
): ColumnFacts {
  return {
    name,
    type,
    kind: kindByType[base] ?? "other",
    capacity: characters === null ? null : { amount: characters, unit: "characters" },
    unicode: encoding === "UTF8",
    nullable,
  };
}

function mayNotEnter(schema: string | null, fixes: readonly Fix[]): TableProblem {
  return { variable: "USERS_TABLE", detail: `the role may not enter the schema "${schema}"`, fixes };
}
