import {
  alwaysSamePlace,
  type ColumnFacts,
  connectionSettings,
  type Dialect,
  type StatementSettings,
} from "./dialect.ts";
import { connectToUrl } from "./driver-environment.ts";
import { inspectMysql, type Server } from "./mysql-catalogue.ts";
import { mysqlFailure } from "./mysql-failures.ts";
import { quote } from "./mysql-spelling.ts";
import { mysqlUnfitStates } from "./mysql-unfit-states.ts";
import { selectSessionColumns } from "./session-columns.ts";
import { unfitExpression } from "./unfit-state.ts";

/**
 * The clock at the beginning of the statement, plus the time that has passed since. SYSDATE is the clock when it is
 * called; NOW and UTC_TIMESTAMP are the clock when the statement began. Local times are only subtracted, since one
 * local hour occurs twice in autumn.
 */
const clockMs = `((TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))
                   + TIMESTAMPDIFF(MICROSECOND, NOW(6), SYSDATE(6))) / 1e3)`;

/**
 * Creates the dialect of MySQL and MariaDB. Each statement carries its own settings, since a pooled connection has no
 * place to set them: a strict `sql_mode`, without which a long value would be cut off silently, the time limit, and
 * for an UPDATE the server's time zone. The driver's is UTC, and an `ON UPDATE CURRENT_TIMESTAMP` column would
 * otherwise differ from what the site's own UPDATE writes.
 */
export function createMysqlDialect(): Dialect {
  let database = "";
  let server: Server = { isMariaDb: false, timeZone: "SYSTEM", variables: new Set() };
  const settings = (statementMs: number) => settingsOf(server, statementMs);
  const unfitStates = () => mysqlUnfitStates(server.variables, server.isMariaDb);

  return {
    name: "MySQL/MariaDB",

    watchPlace: alwaysSamePlace,

    connect(options) {
      database = decodeURIComponent(new URL(options.url).pathname.slice(1));
      // With `foundRows`, an UPDATE counts the rows that it found. The driver supports it, but its type does not.
      const driverSettings = { ...connectionSettings(options), foundRows: true };
      return connectToUrl(options.url.replace(/^mariadb:/, "mysql:"), driverSettings);
    },

    async inspect(run, names, count) {
      const { facts, ...found } = await inspectMysql(run, names, database, count);
      server = found;
      return facts;
    },

    unfitStates,
    settings,

    statements(names, facts, statementMs) {
      const loginId = `u.${quote(names.loginIdColumn)}`;
      const ownIdData = `u.${quote(names.ownIdDataColumn)}`;
      const blocked =
        names.blockedColumn === null ? "0" : `coalesce(u.${quote(names.blockedColumn)} <> 0, 0)`;
      const unfit = unfitExpression(unfitStates());
      const { before, hint } = settings(statementMs);
      // MariaDB reports a column as JSON, which the driver would parse. Converted, it is text.
      const find = (further: string) =>
        `${before} SELECT ${hint} ? AS readId, ${loginId} AS loginId, CONVERT(${ownIdData} USING utf8mb4) AS ownIdData, ${blocked} AS blocked,
                ${clockMs} AS databaseTimeMs, ${unfit} AS unfit${further}
         FROM (SELECT 1) AS server LEFT JOIN ${facts.fullName} AS u ON ${loginId} = ? LIMIT 2`;
      return {
        find: find(""),
        findForSession: find(selectSessionColumns(names.session, facts, textOf)),
        replace: `${before} UPDATE ${hint} ${facts.fullName} AS u SET ${ownIdData} = ?
                  WHERE ${loginId} = ? AND CAST(CONVERT(${loginId} USING utf8mb4) AS BINARY) = CAST(? AS BINARY)
                    AND CAST(${ownIdData} AS BINARY) <=> CAST(? AS BINARY)
                    AND (? OR NOT ${blocked}) AND ${clockMs} < ? AND ${unfit} IS NULL`,
        parametersOf: (change) => [
          change.replacement,
          change.loginId,
          change.loginId,
          change.expected,
          change.evenIfBlocked === true,
          change.deadlineMs,
        ],
      };
    },

    failure: mysqlFailure,
  };
}

/** The text of a BIT would be its bytes, and that of a FLOAT would be rounded to six digits, unlike a DOUBLE's. */
function textOf({ name, type }: ColumnFacts): string {
  const column = `u.${quote(name)}`;
  const asNumber = type.startsWith("float") ? " + 0e0" : type.startsWith("bit") ? " + 0" : "";
  return `CONVERT(${column}${asNumber} USING utf8mb4)`;
}

/**
 * In MariaDB, `max_statement_time` does not end a commit that waits for a backup (BACKUP STAGE BLOCK_COMMIT), but
 * `lock_wait_timeout` does. MySQL limits the time of a SELECT only, and for an UPDATE the wait for a table that is
 * being altered. The deadline of `replace` and the client's own do the rest.
 */
function settingsOf({ isMariaDb, timeZone, variables }: Server, statementMs: number): StatementSettings {
  const zone = `'${timeZone.replaceAll("'", "''")}'`;
  const seconds = statementMs / 1000;
  if (isMariaDb) {
    const limits = `max_statement_time=${seconds.toFixed(3)}, lock_wait_timeout=${Math.max(1, Math.floor(seconds))}`;
    const modes = `sql_mode='STRICT_ALL_TABLES', time_zone=${zone}`;
    // On a Galera node, a statement first waits for what the other nodes have committed.
    const causal = variables.has("wsrep_sync_wait") ? ", wsrep_sync_wait=3" : "";
    return { before: `SET STATEMENT ${modes}, ${limits}${causal} FOR`, hint: "" };
  }
  const limits = `MAX_EXECUTION_TIME(${statementMs}) SET_VAR(lock_wait_timeout=${Math.ceil(seconds)})`;
  const modes = `SET_VAR(sql_mode='STRICT_ALL_TABLES') SET_VAR(time_zone=${zone})`;
  return { before: "", hint: `/*+ ${limits} ${modes} */` };
}
