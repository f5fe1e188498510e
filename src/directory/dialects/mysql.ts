import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { SQL } from "bun";
import {
  type ColumnFacts,
  type ColumnKind,
  connectionSettings,
  type Dialect,
  neededPrivileges,
  quoteTable,
  type RunSql,
  splitTable,
  type TableNames,
} from "./dialect.ts";
import { mysqlFailure } from "./mysql-failures.ts";

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

/**
 * The clock when the statement began, plus what has passed since: SYSDATE is the clock when it is called, and
 * NOW and UTC_TIMESTAMP when the statement began. Only a difference is taken of local times, since in autumn
 * one local hour comes twice.
 */
const clockMs = `((TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))
                   + TIMESTAMPDIFF(MICROSECOND, NOW(6), SYSDATE(6))) / 1e3)`;

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

interface Server {
  readonly isMariaDb: boolean;
  readonly timeZone: string;
}

/**
 * MySQL and MariaDB. Each statement brings its own settings, since a pooled connection has no place to set
 * them: a strict `sql_mode` (otherwise a long value would be cut in silence), the time limit, and for an
 * UPDATE the server's time zone: the driver's is UTC, and an `ON UPDATE CURRENT_TIMESTAMP` beside our column
 * would show another hour than after the site's own UPDATE.
 */
export function createMysqlDialect(): Dialect {
  let server: Server = { isMariaDb: false, timeZone: "SYSTEM" };

  return {
    name: "MySQL/MariaDB",
    asksReadOnly: "SELECT IF(@@global.read_only, 1, 0) AS readOnly",

    connect(options) {
      // `foundRows`: an UPDATE counts the rows it found. The driver reads it, its type does not know it yet.
      const settings = { ...connectionSettings(options), foundRows: true };
      return new SQL(options.url.replace(/^mariadb:/, "mysql:"), settings);
    },

    async inspect(run, names) {
      const { schema, table } = splitTable(names.table);
      const columns = Value.Parse(Columns, await run(columnsQuery, [schema, table]));
      const unique = Value.Parse(Names, await run(uniqueColumnsQuery, [schema, table]));
      const tables = columns.length > 0 ? [] : Value.Parse(Names, await run(tablesQuery, [schema]));
      const isMariaDb = columns.some(({ version }) => version.includes("MariaDB"));
      server = { isMariaDb, timeZone: columns[0]?.timeZone ?? "SYSTEM" };
      const jsonColumns = isMariaDb ? await findJsonColumns(run, names, columns) : [];
      return {
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
    },

    statements(names, _facts, statementMs) {
      const table = quoteTable(names.table, quote);
      const loginId = quote(names.loginIdColumn);
      const ownIdData = quote(names.ownIdDataColumn);
      const blocked = names.blockedColumn === null ? "0" : `coalesce(${quote(names.blockedColumn)} <> 0, 0)`;
      const { before, hint } = settingsOf(server, statementMs);
      return {
        find: `${before} SELECT ${hint} ${loginId} AS loginId, ${ownIdData} AS ownIdData, ${blocked} AS blocked,
                      ${clockMs} AS databaseTimeMs
               FROM ${table} WHERE ${loginId} = ? LIMIT 2`,
        replace: `${before} UPDATE ${hint} ${table} SET ${ownIdData} = ?
                  WHERE ${loginId} = ? AND CAST(CONVERT(${loginId} USING utf8mb4) AS BINARY) = CAST(? AS BINARY)
                    AND CAST(${ownIdData} AS BINARY) <=> CAST(? AS BINARY)
                    AND NOT ${blocked} AND ${clockMs} < ?`,
        parametersOf: (change) => [
          change.replacement,
          change.loginId,
          change.loginId,
          change.expected,
          change.deadlineMs,
        ],
      };
    },

    failure: mysqlFailure,

    mend: {
      addColumn: (names) => alter(names, "ADD COLUMN", "TEXT"),
      // The longest one, so that nothing that is there already is cut.
      widenColumn: (names) => alter(names, "MODIFY", "LONGTEXT"),
      addUniqueIndex: (names) =>
        `ALTER TABLE ${quoteTable(names.table, quote)} ADD UNIQUE (${quote(names.loginIdColumn)});`,
      grant: grantStatements,
    },
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

/**
 * MySQL limits the time of a SELECT only, and of an UPDATE the wait for a table that is being altered; the
 * fence of `replace` and the client's deadline do the rest.
 */
function settingsOf({ isMariaDb, timeZone }: Server, statementMs: number) {
  const zone = `'${timeZone.replaceAll("'", "''")}'`;
  const seconds = statementMs / 1000;
  if (isMariaDb) {
    const settings = `sql_mode='STRICT_ALL_TABLES', time_zone=${zone}, max_statement_time=${seconds.toFixed(3)}`;
    return { before: `SET STATEMENT ${settings} FOR`, hint: "" };
  }
  const limits = `MAX_EXECUTION_TIME(${statementMs}) SET_VAR(lock_wait_timeout=${Math.ceil(seconds)})`;
  const settings = `SET_VAR(sql_mode='STRICT_ALL_TABLES') SET_VAR(time_zone=${zone})`;
  return { before: "", hint: `/*+ ${limits} ${settings} */` };
}

function alter(names: TableNames, action: "ADD COLUMN" | "MODIFY", type: "TEXT" | "LONGTEXT"): string {
  const column = quote(names.ownIdDataColumn);
  return `ALTER TABLE ${quoteTable(names.table, quote)} ${action} ${column} ${type} CHARACTER SET utf8mb4;`;
}

function grantStatements(names: TableNames): string {
  return `GRANT ${neededPrivileges(names, quote)} ON ${quoteTable(names.table, quote)} TO <the sidecar's user>;`;
}
