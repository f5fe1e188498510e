import { SQL } from "bun";
import {
  certificateRefused,
  connectionLost,
  connectionRefused,
  connectionSettings,
  type Dialect,
  neededPrivileges,
  quoteTable,
  readOnlyServer,
  type SqlFailure,
  splitTable,
  statementRefused,
  type TableNames,
} from "./dialect.ts";
import { connectToUrl } from "./driver-environment.ts";
import { inspectPostgres } from "./postgres-catalogue.ts";

const quote = (identifier: string) => `"${identifier.replaceAll('"', '""')}"`;

/** A double, which is exact to the microsecond and quicker than `extract`'s numeric. */
const clockMs = "date_part('epoch', clock_timestamp()) * 1000";

export const postgres: Dialect = {
  name: "Postgres",
  asksReadOnly: `SELECT (current_setting('transaction_read_only') = 'on')::int AS "readOnly"`,

  connect: (options) =>
    connectToUrl(options.url, {
      ...connectionSettings(options),
      // pgbouncer refuses start-up parameters it does not know; there the deadlines of the client and of
      // the fence remain, and the operator sets statement_timeout on the role.
      ...(options.prepare
        ? {
            connection: {
              statement_timeout: String(options.statementMs),
              application_name: new URL(options.url).searchParams.get("application_name") ?? "ownid-sidecar",
            },
          }
        : {}),
    }),

  inspect: inspectPostgres,

  statements(names, facts) {
    const table = quoteTable(names.table, quote);
    const loginId = quote(names.loginIdColumn);
    const ownIdData = quote(names.ownIdDataColumn);
    const blockedColumn = facts.columns.find(({ name }) => name === names.blockedColumn);
    const blocked = !blockedColumn
      ? "false"
      : `coalesce(${quote(blockedColumn.name)}${blockedColumn.kind === "number" ? " <> 0" : ""}, false)`;
    return {
      find: `SELECT ${loginId}::text AS "loginId", ${ownIdData}::text AS "ownIdData", ${blocked} AS "blocked",
                    ${clockMs} AS "databaseTimeMs"
             FROM ${table} WHERE ${loginId} = $1 LIMIT 2`,
      replace: `UPDATE ${table} SET ${ownIdData} = $1
                WHERE ${loginId} = $2 AND ${loginId}::text COLLATE "C" = $5::text
                  AND ${ownIdData}::text COLLATE "C" IS NOT DISTINCT FROM $3
                  AND NOT ${blocked} AND ${clockMs} < $4::float8`,
      parametersOf: (change) => [
        change.replacement,
        change.loginId,
        change.expected,
        change.deadlineMs,
        change.loginId,
      ],
    };
  },

  failure(error) {
    if (!(error instanceof SQL.PostgresError)) return certificateRefused(error) ?? connectionLost;
    if (error.code === "ERR_POSTGRES_CONNECTION_REFUSED") return connectionRefused;
    if (error.code === "ERR_POSTGRES_TLS_NOT_AVAILABLE") return tlsMissing;
    if (error.code !== "ERR_POSTGRES_SERVER_ERROR") return connectionLost;
    const state = String(error.errno ?? "");
    const known = failureByState[state] ?? failureByState[state.slice(0, 2)] ?? statementRefused;
    return { ...known, reason: `${known.reason} (SQLSTATE ${state})` };
  },

  mend: {
    addColumn: (names) =>
      `ALTER TABLE ${quoteTable(names.table, quote)} ADD COLUMN ${quote(names.ownIdDataColumn)} text;`,
    widenColumn: (names) =>
      `ALTER TABLE ${quoteTable(names.table, quote)} ALTER COLUMN ${quote(names.ownIdDataColumn)} TYPE text;`,
    addUniqueIndex: (names) =>
      `CREATE UNIQUE INDEX ON ${quoteTable(names.table, quote)} (${quote(names.loginIdColumn)});`,
    grant: grantStatements,
  },
} satisfies Dialect;

function grantStatements(names: TableNames): string {
  const { schema } = splitTable(names.table);
  const role = "<the sidecar's role>";
  const enter = schema === null ? "" : `GRANT USAGE ON SCHEMA ${quote(schema)} TO ${role}; `;
  const table = quoteTable(names.table, quote);
  return `${enter}GRANT ${neededPrivileges(names, quote)} ON ${table} TO ${role};`;
}

const tlsMissing: SqlFailure = {
  meaning: "not done",
  reason: "the database does not take TLS",
  remedy: "switch TLS on in the server, or take DATABASE_TLS_CA_FILE and sslmode away",
};

/** By SQLSTATE, then by its class (Postgres manual, appendix A). */
const failureByState: Record<string, SqlFailure> = {
  "08": connectionLost,
  "08P01": {
    ...connectionLost,
    reason: "the database, or a pooler before it, refuses to speak with the sidecar",
    remedy: "behind pgbouncer set DATABASE_PREPARE=false; see whether the pooler knows the database's name",
  },
  XX: { ...connectionLost, reason: "the database reports an internal error" },
  "57P01": { ...connectionLost, reason: "the database ended the connection" },
  "57P02": { ...connectionLost, reason: "the database ended the connection after a crash" },
  "57P03": {
    ...connectionLost,
    reason: "the database is starting up",
    remedy: "none needed: it is tried again",
  },
  "57P05": { ...connectionLost, reason: "the database ended the idle connection" },
  "40003": { ...connectionLost, reason: "the database does not know whether the statement completed" },
  "40001": { ...statementRefused, meaning: "busy", reason: "the statement lost against another one" },
  "40P01": { ...statementRefused, meaning: "busy", reason: "the statement was the victim of a deadlock" },
  "57014": {
    meaning: "not done",
    reason: "the statement ran into its time limit",
    remedy: "see what holds the row's lock (pg_stat_activity), or whether the login id column has an index",
  },
  "22001": { ...statementRefused, meaning: "too long", reason: "the value is too long for the column" },
  "22021": {
    ...statementRefused,
    meaning: "incomparable",
    reason: "the character set cannot spell the login id",
  },
  "22P05": {
    ...statementRefused,
    meaning: "incomparable",
    reason: "the character set cannot spell the login id",
  },
  "28": {
    meaning: "not done",
    reason: "the database refused the sidecar's login",
    remedy: "correct the user and password in DATABASE_URL, and see whether the server insists on TLS",
  },
  "3D000": {
    meaning: "not done",
    reason: "the database named in DATABASE_URL does not exist",
    remedy: "create it, or correct the name",
  },
  "53300": {
    meaning: "not done",
    reason: "the database has no free connection",
    remedy: "lower DATABASE_POOL_MAX, or raise the server's max_connections",
  },
  "25006": readOnlyServer,
  "42501": { meaning: "forbidden", reason: "the sidecar's role lacks a privilege", remedy: "grant it" },
};
