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

/**
 * Returns what an error of MySQL or MariaDB means, by its number and never by its text, which may quote data.
 *
 * An error that is not known to mean that nothing was done leaves the outcome of a write open. The client's own
 * numbers (2000 to 2999) and ProxySQL's (9000 and above) are among them: a proxy sends those when it has lost its
 * server in the middle of a statement.
 */
export function mysqlFailure(error: unknown): SqlFailure {
  if (!(error instanceof SQL.MySQLError)) return certificateRefused(error) ?? connectionLost;
  if (error.code === "ERR_MYSQL_CONNECTION_REFUSED") return connectionRefused;
  if (error.code === "ERR_MYSQL_AUTHENTICATION_FAILED") return noCommonLogin;
  if (error.code !== "ERR_MYSQL_SERVER_ERROR" || error.errno === undefined) return connectionLost;
  const known = failureByNumber[error.errno] ?? failureByClass(error.errno, error.sqlState ?? "");
  return { ...known, reason: `${known.reason} (error ${error.errno})` };
}

/**
 * SQLSTATE classes of errors that end a statement before its commit: syntax, access, data, constraints, and what a
 * trigger raises. HY000 stands for everything else and is not one of them.
 */
const refusedClasses = new Set([
  "0A",
  "20",
  "21",
  "22",
  "23",
  "24",
  "25",
  "28",
  "2F",
  "3D",
  "42",
  "44",
  "45",
]);

function failureByClass(number: number, sqlState: string): SqlFailure {
  const isServers = number < 2000 || (number >= 3000 && number < 9000);
  if (isServers && refusedClasses.has(sqlState.slice(0, 2))) return statementRefused;
  return sqlState.startsWith("08") ? connectionLost : outcomeOpen;
}

const timeLimit: SqlFailure = {
  meaning: "not done",
  reason: "the statement ran into its time limit",
  fix: "find out what holds the row's lock (SHOW PROCESSLIST), or whether the login id column has an index",
};

const loginRefused: SqlFailure = {
  meaning: "not done",
  reason: "the database refused the sidecar's login",
  fix: "correct the user and password in DATABASE_URL, and check whether the server insists on TLS or on a client certificate",
};

const noCommonLogin: SqlFailure = {
  meaning: "not done",
  reason: "the database does not accept TLS, or offers no login method that the sidecar supports",
  fix: "check whether the server has TLS switched on, and how the user is identified",
};

const noFreeConnection: SqlFailure = {
  meaning: "not done",
  reason: "the database has no free connection",
  fix: "lower DATABASE_POOL_MAX, or raise the server's limit of connections",
};

const privilegeMissing: SqlFailure = {
  meaning: "forbidden",
  reason: "the sidecar's user lacks a privilege",
  fix: "grant what bun run doctor prints",
};

const incomparable: SqlFailure = {
  ...statementRefused,
  meaning: "incomparable",
  reason: "the login id column's character set cannot encode the login id",
};

const constraintBroken: SqlFailure = {
  meaning: "not done",
  reason: "a constraint of the table refuses the value",
  fix: "make the ownIdData column plain text: in MariaDB, json is text with a constraint",
};

const signalled: SqlFailure = {
  ...statementRefused,
  reason: "a trigger of the table refuses the change",
  fix: "check the table's triggers",
};

const triggerFailed: SqlFailure = {
  ...statementRefused,
  reason: "a trigger or a function of the table cannot run",
  fix: "check the table's triggers, and the accounts that they run as",
};

const charsetTooNarrow: SqlFailure = {
  ...tableChanged,
  reason: "the ownIdData column's character set cannot hold the value",
  fix: "change the column to utf8mb4",
};

/** From the MySQL server error reference and the MariaDB error codes. */
const failureByNumber: Record<number, SqlFailure> = {
  1036: { ...statementRefused, reason: "the table is read-only" },
  1040: noFreeConnection,
  1044: {
    ...loginRefused,
    reason: "the sidecar's user may not use the database that DATABASE_URL names",
    fix: "grant what bun run doctor prints, or correct the database's name in DATABASE_URL",
  },
  1045: loginRefused,
  1047: { ...connectionLost, reason: "the Galera node is cut off from the others, or not ready" },
  1049: {
    meaning: "not done",
    reason: "the database named in DATABASE_URL does not exist",
    fix: "create it, or correct the name",
  },
  1053: { ...connectionLost, reason: "the database is shutting down" },
  1054: tableChanged,
  1114: { ...statementRefused, reason: "the table is full" },
  1130: loginRefused,
  1142: privilegeMissing,
  1143: privilegeMissing,
  1146: tableChanged,
  1180: { ...connectionLost, reason: "the database reported an error during the commit" },
  1193: tableChanged,
  1203: noFreeConnection,
  1205: timeLimit,
  1206: statementRefused,
  1210: tableChanged,
  1213: { ...statementRefused, meaning: "busy", reason: "the statement was the victim of a deadlock" },
  1223: { ...statementRefused, reason: "the table is locked, as by a backup" },
  1226: noFreeConnection,
  1243: { ...statementRefused, reason: "a proxy does not know the prepared statement" },
  1267: incomparable,
  1270: incomparable,
  1271: incomparable,
  1288: tableChanged,
  1290: readOnlyServer,
  1317: { ...connectionLost, reason: "the statement was interrupted" },
  1356: tableChanged,
  1364: statementRefused,
  1366: charsetTooNarrow,
  1369: constraintBroken,
  1406: { ...statementRefused, meaning: "too long", reason: "the value is too long for the column" },
  1419: triggerFailed,
  1442: triggerFailed,
  1449: triggerFailed,
  1461: { ...statementRefused, reason: "the server has no room for more prepared statements" },
  1526: statementRefused,
  1615: {
    ...statementRefused,
    meaning: "busy",
    reason: "the table has changed since the statement was prepared",
  },
  1644: signalled,
  1698: loginRefused,
  1792: readOnlyServer,
  1836: readOnlyServer,
  1906: generatedColumn,
  1927: { ...connectionLost, reason: "the database ended the connection" },
  1969: timeLimit,
  3024: timeLimit,
  3098: statementRefused,
  3101: { ...statementRefused, meaning: "busy", reason: "the statement lost against another member's" },
  3105: generatedColumn,
  3118: loginRefused,
  3159: loginRefused,
  3572: statementRefused,
  3819: constraintBroken,
  3854: incomparable,
  4025: constraintBroken,
};
