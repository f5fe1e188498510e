import { Type } from "@sinclair/typebox";
import { idleSeconds } from "../../src/directory/dialects/dialect.ts";
import { fixWhen, sql } from "../../src/fix.ts";
import { counted } from "../quantities.ts";
import { type Check, fine, warning, wrong } from "./check.ts";
import type { Database } from "./database.ts";
import { encryptionCheck } from "./encryption-check.ts";
import { mysqlPrivileges } from "./mysql-privileges.ts";
import { mysqlStateChecks } from "./mysql-state-checks.ts";
import { readRow } from "./sql-row.ts";

const serverIdleSeconds = 28_800;

const encryption = encryptionCheck(async (run) => {
  const cipher = await readRow(run, { Value: Type.String() }, "SHOW SESSION STATUS LIKE 'Ssl_cipher'");
  return cipher.Value !== "";
});

const sqlMode: Check<Database> = {
  id: "database.sql-mode",
  title: "sql_mode",
  async examine({ run }) {
    const { mode } = await readRow(run, { mode: Type.String() }, "SELECT @@global.sql_mode AS mode");
    if (/STRICT_(?:ALL|TRANS)_TABLES/.test(mode)) return fine("strict");
    const detail =
      "not strict: the sidecar sets its own mode, but the site's statements truncate long values without an error";
    const strict =
      "SET GLOBAL sql_mode = concat_ws(',', nullif(@@GLOBAL.sql_mode, ''), 'STRICT_TRANS_TABLES');";
    return warning(detail, [
      fixWhen("If the site expects an error rather than a truncated value", sql(strict)),
    ]);
  },
};

const sysdate: Check<Database> = {
  id: "database.sysdate",
  title: "SYSDATE",
  async examine({ run }) {
    const query = "SELECT SLEEP(0.01) AS slept, SYSDATE(6) = NOW(6) AS isSame";
    const { isSame } = await readRow(run, { isSame: Type.Number() }, query);
    if (isSame === 0) return fine("returns the time at which it is called");
    const detail =
      "the server runs with sysdate-is-now, so a write that has waited for a lock does not notice that its deadline has passed";
    return wrong(detail, "remove sysdate-is-now from the server's configuration, and restart the server");
  },
};

const idle: Check<Database> = {
  id: "database.idle",
  title: "idle connections",
  async examine({ run }) {
    const { seconds } = await readRow(run, { seconds: Type.Number() }, "SELECT @@wait_timeout AS seconds");
    if (seconds > idleSeconds) return fine("the server keeps them at least as long as the sidecar");
    const detail = `the server closes them after ${seconds} s, the sidecar after ${idleSeconds} s, so a set can fail on one that was just closed`;
    return warning(detail, `SET GLOBAL wait_timeout = ${serverIdleSeconds};`);
  },
};

const connections: Check<Database> = {
  id: "database.connections",
  title: "connections",
  async examine({ run, settings, account }) {
    const query = "SELECT @@max_connections AS most, @@max_user_connections AS own";
    const { most, own } = await readRow(run, { most: Type.Number(), own: Type.Number() }, query);
    const { Value: used } = await readRow(
      run,
      { Value: Type.Number() },
      "SHOW STATUS LIKE 'Threads_connected'",
    );
    const { poolMax } = settings;
    if (own > 0 && own < poolMax) {
      return wrong(
        `the account may have ${own}, and DATABASE_POOL_MAX is ${poolMax}`,
        `ALTER USER ${account} WITH MAX_USER_CONNECTIONS ${2 * poolMax};`,
      );
    }
    if (poolMax > most)
      return wrong(
        `the server has ${most}, and DATABASE_POOL_MAX is ${poolMax}`,
        `SET GLOBAL max_connections = ${10 * poolMax};`,
      );
    if (poolMax > most - used) {
      return warning(
        `DATABASE_POOL_MAX is ${poolMax}, and of ${counted(most, "connection")}, ${counted(used, "is", "are")} in use`,
        `SET GLOBAL max_connections = ${most + 2 * poolMax};`,
      );
    }
    return fine(
      `each sidecar opens at most ${poolMax} of the server's ${most}; ${counted(used, "is", "are")} in use now`,
    );
  },
};

export const mysqlChecks: readonly Check<Database>[] = [
  encryption,
  ...mysqlStateChecks,
  sqlMode,
  sysdate,
  idle,
  connections,
];
export const mysqlRowChecks: readonly Check<Database>[] = [mysqlPrivileges];
