import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { SQL } from "bun";
import {
  type ColumnFacts,
  type ColumnKind,
  connectionRefused,
  type Dialect,
  quoteTable,
  type SqlFailure,
  splitTable,
  type TableNames,
} from "./dialect.ts";

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

/** SYSDATE is the clock when it is called, NOW the clock when the statement began. */
const clockMs = "CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000 AS DOUBLE)";

const columnsQuery = `
  SELECT column_name AS name, column_type AS type, data_type AS base, character_set_name AS charset,
         CAST(character_maximum_length AS CHAR) AS characters, CAST(character_octet_length AS CHAR) AS bytes,
         version() AS version
  FROM information_schema.columns WHERE table_schema = coalesce(?, database()) AND table_name = ?`;

const uniqueColumnsQuery = `
  SELECT min(column_name) AS name
  FROM information_schema.statistics
  WHERE table_schema = coalesce(?, database()) AND table_name = ? AND non_unique = 0
  GROUP BY index_name HAVING count(*) = 1 AND count(sub_part) = 0 AND count(column_name) = 1`;

const tablesQuery = `
  SELECT table_name AS name FROM information_schema.tables WHERE table_schema = coalesce(?, database())`;

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
  }),
);
const Names = Type.Array(Type.Object({ name: Type.String() }));

/**
 * MySQL and MariaDB. Each statement brings its own settings, since a pooled connection has no place to set
 * them: a strict `sql_mode` (otherwise a long value would be cut in silence), UTC (a local clock runs twice
 * through an hour in autumn), and the time limit.
 */
export function createMysqlDialect(): Dialect {
  let isMariaDb = false;

  return {
    name: "MySQL/MariaDB",

    connect: ({ url, poolMax, prepare, tlsCa }) => {
      // `foundRows`: an UPDATE counts the rows it found. The driver reads it, its type does not know it yet.
      const options = { max: poolMax, prepare, connectionTimeout: 5, idleTimeout: 300, foundRows: true };
      return new SQL(url.replace(/^mariadb:/, "mysql:"), {
        ...options,
        ...(tlsCa === null ? {} : { tls: { ca: tlsCa, rejectUnauthorized: true } }),
      });
    },

    async inspect(run, names) {
      const { schema, table } = splitTable(names.table);
      const columns = Value.Parse(Columns, await run(columnsQuery, [schema, table]));
      const unique = Value.Parse(Names, await run(uniqueColumnsQuery, [schema, table]));
      const tables = columns.length > 0 ? [] : Value.Parse(Names, await run(tablesQuery, [schema]));
      isMariaDb = columns.some(({ version }) => version.includes("MariaDB"));
      return {
        columns: columns.map((column) => ({
          name: column.name,
          type: column.type,
          kind: kindOf(column.base),
          capacity: capacityOf(column),
          unicode: column.charset === "utf8mb4",
        })),
        uniqueColumns: unique.map(({ name }) => name),
        tables: tables.map(({ name }) => name),
      };
    },

    statements(names, _facts, statementMs) {
      const table = quoteTable(names.table, quote);
      const loginId = quote(names.loginIdColumn);
      const ownIdData = quote(names.ownIdDataColumn);
      const blocked = names.blockedColumn === null ? "0" : `coalesce(${quote(names.blockedColumn)} <> 0, 0)`;
      const { before, hint } = isMariaDb ? mariaDbSettings(statementMs) : mysqlSettings(statementMs);
      return {
        find: `${before} SELECT ${hint} ${loginId} AS loginId, ${ownIdData} AS ownIdData, ${blocked} AS blocked,
                      ${clockMs} AS databaseTimeMs
               FROM ${table} WHERE ${loginId} = ? LIMIT 2`,
        replace: `${before} UPDATE ${hint} ${table} SET ${ownIdData} = ?
                  WHERE ${loginId} = ? AND CAST(${ownIdData} AS BINARY) <=> CAST(? AS BINARY)
                    AND ${clockMs} < ?`,
      };
    },

    failure(error) {
      if (!(error instanceof SQL.MySQLError)) return unclear;
      if (error.code === "ERR_MYSQL_CONNECTION_REFUSED") return connectionRefused;
      if (error.code !== "ERR_MYSQL_SERVER_ERROR" || error.errno === undefined) return unclear;
      const known =
        failureByNumber[error.errno] ?? (error.sqlState?.startsWith("08") ? unclear : defaultFailure);
      return { ...known, reason: `${known.reason} (error ${error.errno})` };
    },

    mend: {
      addColumn: (names) => alter(names, "ADD COLUMN"),
      widenColumn: (names) => alter(names, "MODIFY"),
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

function mariaDbSettings(statementMs: number) {
  const seconds = (statementMs / 1000).toFixed(3);
  return {
    before: `SET STATEMENT max_statement_time=${seconds}, sql_mode='STRICT_ALL_TABLES', time_zone='+00:00' FOR`,
    hint: "",
  };
}

/** MySQL limits the time of a SELECT only; the fence of `replace` and the client's deadline do the rest. */
function mysqlSettings(statementMs: number) {
  const settings = `SET_VAR(sql_mode='STRICT_ALL_TABLES') SET_VAR(time_zone='+00:00')`;
  return { before: "", hint: `/*+ MAX_EXECUTION_TIME(${statementMs}) ${settings} */` };
}

function alter(names: TableNames, action: "ADD COLUMN" | "MODIFY"): string {
  const column = quote(names.ownIdDataColumn);
  return `ALTER TABLE ${quoteTable(names.table, quote)} ${action} ${column} TEXT CHARACTER SET utf8mb4;`;
}

function grantStatements(names: TableNames): string {
  const read = [names.loginIdColumn, names.ownIdDataColumn, names.blockedColumn]
    .filter((column) => column !== null)
    .map(quote)
    .join(", ");
  const write = quote(names.ownIdDataColumn);
  return `GRANT SELECT (${read}), UPDATE (${write}) ON ${quoteTable(names.table, quote)} TO <the sidecar's user>;`;
}

const unclear: SqlFailure = {
  meaning: "unknown",
  reason: "the connection to the database was lost or timed out",
  remedy: "see the database's own log and the network between",
};

const defaultFailure: SqlFailure = {
  meaning: "not done",
  reason: "the database refused the statement",
  remedy: "see the database's own log for the statement and the reason",
};

const timeLimit: SqlFailure = {
  meaning: "not done",
  reason: "the statement ran into its time limit",
  remedy: "see what holds the row's lock (SHOW PROCESSLIST), or whether the login id column has an index",
};

const loginRefused: SqlFailure = {
  meaning: "not done",
  reason: "the database refused the sidecar's login",
  remedy: "correct the user and password in DATABASE_URL",
};

const privilegeMissing: SqlFailure = {
  meaning: "misfit",
  reason: "the sidecar's user lacks a privilege",
  remedy: "grant it",
};

const incomparable: SqlFailure = {
  ...defaultFailure,
  meaning: "incomparable",
  reason: "the login id column's character set cannot spell the login id",
};

const readOnly: SqlFailure = {
  meaning: "not done",
  reason: "the database is read-only: a replica",
  remedy: "point DATABASE_URL at the primary",
};

/** By error number (MySQL server error reference, MariaDB error codes). */
const failureByNumber: Record<number, SqlFailure> = {
  1040: {
    meaning: "not done",
    reason: "the database has no free connection",
    remedy: "lower DATABASE_POOL_MAX, or raise the server's max_connections",
  },
  1044: loginRefused,
  1045: loginRefused,
  1049: {
    meaning: "not done",
    reason: "the database named in DATABASE_URL does not exist",
    remedy: "create it, or correct the name",
  },
  1053: { ...unclear, reason: "the database is shutting down" },
  1142: privilegeMissing,
  1143: privilegeMissing,
  1180: { ...unclear, reason: "the database met an error during the commit" },
  1205: timeLimit,
  1213: { ...defaultFailure, meaning: "busy", reason: "the statement was the victim of a deadlock" },
  1267: incomparable,
  1290: readOnly,
  1317: { ...unclear, reason: "the statement was interrupted" },
  1406: { ...defaultFailure, meaning: "too long", reason: "the value is too long for the column" },
  1836: readOnly,
  1927: { ...unclear, reason: "the database ended the connection" },
  1969: timeLimit,
  3024: timeLimit,
  3854: incomparable,
};
