import { SQL } from "bun";
import {
  certificateRefused,
  connectionLost,
  connectionRefused,
  generatedColumn,
  outcomeOpen,
  readOnlyServer,
  type SqlFailure,
  statementRefused,
  tableChanged,
} from "./sql-failure.ts";

/** Returns what an error of Postgres means, by its SQLSTATE and never by its text, which may quote data. */
export function postgresFailure(error: unknown): SqlFailure {
  if (!(error instanceof SQL.PostgresError)) return certificateRefused(error) ?? connectionLost;
  if (error.code === "ERR_POSTGRES_CONNECTION_REFUSED") return connectionRefused;
  if (error.code === "ERR_POSTGRES_TLS_NOT_AVAILABLE") return tlsMissing;
  if (error.code !== "ERR_POSTGRES_SERVER_ERROR") return connectionLost;
  const state = String(error.errno ?? "");
  if (state === "42501" && error.routine === "ExecWithCheckOptions") return policyRefuses;
  const known = failureByState[state] ?? failureByState[state.slice(0, 2)] ?? outcomeOpen;
  const failedFunction = functionIn(error.where);
  if (failedFunction === null || known.meaning === "unknown" || known.meaning === "busy") {
    return { ...known, reason: `${known.reason} (SQLSTATE ${state})` };
  }
  return {
    ...statementRefused,
    reason: `a trigger or rule of the table failed in ${failedFunction} (SQLSTATE ${state})`,
    fix: "check the database's own log, and fix the function or grant what it needs",
  };
}

/** Returns the name of the function in which a statement failed. The rest of the context may quote data. */
function functionIn(context: string | undefined): string | null {
  return /(?:PL\/\w+|SQL) function "?([\w.]+)/.exec(context ?? "")?.[1] ?? null;
}

/**
 * Classes of errors with which the server ends a transaction before its commit. Not among them are connections,
 * shutdowns and broken storage (08, 57, 58, XX), foreign servers (HV), and classes that a proxy may invent.
 */
const refusedClasses = [
  ...["0A", "0L", "0P", "20", "21", "22", "23", "25", "26", "27", "28", "2B", "2D", "2F", "34", "38", "39"],
  ...["3B", "3D", "3F", "40", "42", "44", "53", "54", "55", "P0"],
];

const tlsMissing: SqlFailure = {
  meaning: "not done",
  reason: "the database does not accept TLS",
  fix: "switch TLS on in the server, or remove DATABASE_TLS_CA_FILE and sslmode",
};

/**
 * The role has every privilege, but a policy refuses. The server function that reports the error distinguishes the
 * two.
 */
const policyRefuses: SqlFailure = {
  ...statementRefused,
  reason: "a row security policy of the table refuses the change (SQLSTATE 42501)",
  fix: "check the WITH CHECK of the table's policies (pg_policies)",
};

/** By SQLSTATE, then by its class (Postgres manual, appendix A). */
const failureByState: Record<string, SqlFailure> = {
  ...Object.fromEntries(refusedClasses.map((sqlClass) => [sqlClass, statementRefused])),
  "08": connectionLost,
  "08P01": {
    ...connectionLost,
    reason: "the database, or a pooler in front of it, refuses to talk to the sidecar",
    fix: "behind pgbouncer set DATABASE_PREPARE=false and leave options out of DATABASE_URL; check whether the pooler knows the database's name",
  },
  XX: { ...connectionLost, reason: "the database reports an internal error" },
  "57P01": { ...connectionLost, reason: "the database ended the connection" },
  "57P02": { ...connectionLost, reason: "the database ended the connection after a crash" },
  "57P03": {
    ...connectionLost,
    reason: "the database is starting up",
    fix: "none needed: it is retried",
  },
  "57P05": { ...connectionLost, reason: "the database ended the idle connection" },
  "40003": { ...connectionLost, reason: "the database does not know whether the statement completed" },
  "40001": { ...statementRefused, meaning: "busy", reason: "the statement lost against another one" },
  "40P01": { ...statementRefused, meaning: "busy", reason: "the statement was the victim of a deadlock" },
  "57014": {
    meaning: "not done",
    reason: "the statement ran into its time limit",
    fix: "find out what holds the row's lock (pg_stat_activity), or whether the login id column has an index",
  },
  "22001": { ...statementRefused, meaning: "too long", reason: "the value is too long for the column" },
  "23": {
    ...statementRefused,
    reason: "a constraint of the table refuses the value",
    fix: "make the ownIdData column plain text without constraints",
  },
  P0001: {
    ...statementRefused,
    reason: "a trigger of the table refuses the change",
    fix: "check the table's triggers",
  },
  "22P02": tableChanged,
  "428C9": generatedColumn,
  "42703": tableChanged,
  "55000": tableChanged,
  "42804": tableChanged,
  "42809": tableChanged,
  "42846": tableChanged,
  "42883": tableChanged,
  "42P01": tableChanged,
  "42P18": tableChanged,
  "0A000": tableChanged,
  "26000": {
    ...statementRefused,
    reason: "the prepared statement is gone, as behind a pooler",
    fix: "behind pgbouncer set DATABASE_PREPARE=false",
  },
  "22021": {
    ...statementRefused,
    meaning: "incomparable",
    reason: "the character set cannot encode the login id",
  },
  "22P05": {
    ...statementRefused,
    meaning: "incomparable",
    reason: "the character set cannot encode the login id",
  },
  "28": {
    meaning: "not done",
    reason: "the database refused the sidecar's login",
    fix: "correct the user and password in DATABASE_URL, and check whether the server insists on TLS or on a client certificate",
  },
  "3D000": {
    meaning: "not done",
    reason: "the database named in DATABASE_URL does not exist",
    fix: "create it, or correct the name",
  },
  "53300": {
    meaning: "not done",
    reason: "the database has no free connection",
    fix: "lower DATABASE_POOL_MAX, or raise the server's max_connections",
  },
  "25006": readOnlyServer,
  "42501": {
    meaning: "forbidden",
    reason: "the sidecar's role lacks a privilege",
    fix: "grant what bun run doctor prints",
  },
};
