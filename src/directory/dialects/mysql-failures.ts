import { SQL } from "bun";
import {
  certificateRefused,
  connectionLost,
  connectionRefused,
  readOnlyServer,
  type SqlFailure,
  statementRefused,
} from "./dialect.ts";

/** What an error of MySQL or MariaDB means, by its number; never by its text, which may quote data. */
export function mysqlFailure(error: unknown): SqlFailure {
  if (!(error instanceof SQL.MySQLError)) return certificateRefused(error) ?? connectionLost;
  if (error.code === "ERR_MYSQL_CONNECTION_REFUSED") return connectionRefused;
  if (error.code === "ERR_MYSQL_AUTHENTICATION_FAILED") return noCommonLogin;
  if (error.code !== "ERR_MYSQL_SERVER_ERROR" || error.errno === undefined) return connectionLost;
  const known =
    failureByNumber[error.errno] ?? (error.sqlState?.startsWith("08") ? connectionLost : statementRefused);
  return { ...known, reason: `${known.reason} (error ${error.errno})` };
}

const timeLimit: SqlFailure = {
  meaning: "not done",
  reason: "the statement ran into its time limit",
  remedy: "see what holds the row's lock (SHOW PROCESSLIST), or whether the login id column has an index",
};

const loginRefused: SqlFailure = {
  meaning: "not done",
  reason: "the database refused the sidecar's login",
  remedy: "correct the user and password in DATABASE_URL, and see whether the server insists on TLS",
};

const noCommonLogin: SqlFailure = {
  meaning: "not done",
  reason: "the database does not take TLS, or no way to log in that the sidecar knows",
  remedy: "see whether the server has TLS switched on, and how the user is identified",
};

const noFreeConnection: SqlFailure = {
  meaning: "not done",
  reason: "the database has no free connection",
  remedy: "lower DATABASE_POOL_MAX, or raise the server's limit of connections",
};

const privilegeMissing: SqlFailure = {
  meaning: "forbidden",
  reason: "the sidecar's user lacks a privilege",
  remedy: "grant it",
};

const incomparable: SqlFailure = {
  ...statementRefused,
  meaning: "incomparable",
  reason: "the login id column's character set cannot spell the login id",
};

const constraintBroken: SqlFailure = {
  meaning: "not done",
  reason: "a constraint of the table refuses the value",
  remedy: "make the ownIdData column plain text: in MariaDB, json is text with a constraint",
};

/** MySQL server error reference, MariaDB error codes. */
const failureByNumber: Record<number, SqlFailure> = {
  1040: noFreeConnection,
  1044: {
    ...loginRefused,
    reason: "the sidecar's user may not use the database that DATABASE_URL names",
    remedy: "grant the user privileges on the table there, or correct the database's name",
  },
  1045: loginRefused,
  1049: {
    meaning: "not done",
    reason: "the database named in DATABASE_URL does not exist",
    remedy: "create it, or correct the name",
  },
  1053: { ...connectionLost, reason: "the database is shutting down" },
  1130: loginRefused,
  1142: privilegeMissing,
  1143: privilegeMissing,
  1180: { ...connectionLost, reason: "the database met an error during the commit" },
  1203: noFreeConnection,
  1205: timeLimit,
  1213: { ...statementRefused, meaning: "busy", reason: "the statement was the victim of a deadlock" },
  1226: noFreeConnection,
  1267: incomparable,
  1270: incomparable,
  1271: incomparable,
  1290: readOnlyServer,
  1317: { ...connectionLost, reason: "the statement was interrupted" },
  1406: { ...statementRefused, meaning: "too long", reason: "the value is too long for the column" },
  1698: loginRefused,
  1836: readOnlyServer,
  1927: { ...connectionLost, reason: "the database ended the connection" },
  1969: timeLimit,
  3024: timeLimit,
  3159: loginRefused,
  3819: constraintBroken,
  3854: incomparable,
  4025: constraintBroken,
};
