import { Type } from "@sinclair/typebox";
import { idleSeconds } from "../../src/directory/dialects/dialect.ts";
import { fixWhen, sql } from "../../src/fix.ts";
import { counted } from "../quantities.ts";
import { type Check, fine, warning, wrong } from "./check.ts";
import type { Database } from "./database.ts";
import { encryptionCheck } from "./encryption-check.ts";
import { mysqlPrivileges } from "./mysql-privileges.ts";
import { mysqlStateChecks } from "./mysql-state-checks.ts";
import { Amount, rowOf } from "./sql-answer.ts";

const serverIdleSeconds = 28_800;

const Status = Type.Object({ Value: Type.String() });

const encryption = encryptionCheck(
  async (run) => rowOf(Status, await run("SHOW SESSION STATUS LIKE 'Ssl_cipher'")).Value !== "",
);

const sqlMode: Check<Database> = {
  id: "database.sql-mode",
  title: "sql_mode",
  async examine({ run }) {
    const { mode } = rowOf(
      Type.Object({ mode: Type.String() }),
      await run("SELECT @@global.sql_mode AS mode"),
    );
    if (/STRICT_(?:ALL|TRANS)_TABLES/.test(mode)) return fine("strict");
    const detail =
      "not strict: the sidecar's statements are all the same, but the site's own would cut long values in silence";
    const strict =
      "SET GLOBAL sql_mode = concat_ws(',', nullif(@@GLOBAL.sql_mode, ''), 'STRICT_TRANS_TABLES');";
    return warning(detail, [fixWhen("If the site expects an error rather than a cut value", sql(strict))]);
  },
};

const Clock = Type.Object({ isSame: Amount });

const sysdate: Check<Database> = {
  id: "database.sysdate",
  title: "SYSDATE",
  async examine({ run }) {
    const { isSame } = rowOf(Clock, await run("SELECT SLEEP(0.01) AS slept, SYSDATE(6) = NOW(6) AS isSame"));
    if (Number(isSame) === 0) return fine("is the clock when it is called");
    const detail =
      "the server runs with sysdate-is-now, so a write that waited for a lock does not see that it is late";
    return wrong(detail, "take sysdate-is-now out of the server's configuration and restart it");
  },
};

const idle: Check<Database> = {
  id: "database.idle",
  title: "idle connections",
  async examine({ run }) {
    const { seconds } = rowOf(
      Type.Object({ seconds: Amount }),
      await run("SELECT @@wait_timeout AS seconds"),
    );
    if (Number(seconds) > idleSeconds) return fine("the server keeps them as long as the sidecar");
    const detail = `the server ends them after ${seconds} s, the sidecar after ${idleSeconds}: a set can meet one that has just ended`;
    return warning(detail, `SET GLOBAL wait_timeout = ${serverIdleSeconds};`);
  },
};

const Connections = Type.Object({ most: Amount, own: Amount });

const connections: Check<Database> = {
  id: "database.connections",
  title: "connections",
  async examine({ run, settings, account }) {
    const limits = rowOf(
      Connections,
      await run("SELECT @@max_connections AS most, @@max_user_connections AS own"),
    );
    const used = Number(rowOf(Status, await run("SHOW STATUS LIKE 'Threads_connected'")).Value);
    const [most, own] = [Number(limits.most), Number(limits.own)];
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
    return fine(`${poolMax} for each sidecar, of ${most}; ${counted(used, "is", "are")} in use now`);
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
