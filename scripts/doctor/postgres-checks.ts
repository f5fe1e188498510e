import { Type } from "@sinclair/typebox";
import { idleSeconds } from "../../src/directory/dialects/dialect.ts";
import { counted } from "../quantities.ts";
import { type Check, fine, warning, wrong } from "./check.ts";
import type { Database } from "./database.ts";
import { encryptionCheck } from "./encryption-check.ts";
import { durability } from "./postgres-durability-check.ts";
import { postgresPrivileges, rowSecurity } from "./postgres-privileges.ts";
import { readRow } from "./sql-row.ts";

const encryption = encryptionCheck(async (run) => {
  const query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
  return (await readRow(run, { ssl: Type.Boolean() }, query)).ssl;
});

const primary: Check<Database> = {
  id: "database.primary",
  title: "primary",
  async examine({ run, account }) {
    const query = "SELECT pg_is_in_recovery() AS replica";
    const { replica } = await readRow(run, { replica: Type.Boolean() }, query);
    if (replica)
      return wrong(
        "this is a read-only replica",
        "DATABASE_URL=postgres://<user>:<password>@<the primary>/<database>",
      );
    if ((await settingOf(run, "default_transaction_read_only")) === "off") return fine("accepts writes");
    return wrong(
      "transactions are read-only by default, so set cannot write",
      `ALTER ROLE ${account} SET default_transaction_read_only = off;`,
    );
  },
};

const timeLimit: Check<Database> = {
  id: "database.time-limit",
  title: "limit of a statement",
  async examine({ run, account, statementMs }) {
    const limitMs = await millisecondsOf(run, "statement_timeout");
    if (limitMs > 0 && limitMs <= statementMs) return fine(`${limitMs} ms`);
    const is = limitMs === 0 ? "statement_timeout is off" : `statement_timeout is ${limitMs} ms`;
    const detail = `${is}, and with DATABASE_PREPARE=false the sidecar sets none of its own`;
    return warning(detail, `ALTER ROLE ${account} SET statement_timeout = ${statementMs};`);
  },
};

const idle: Check<Database> = {
  id: "database.idle",
  title: "idle connections",
  async examine({ run, account }) {
    const limitMs = await millisecondsOf(run, "idle_session_timeout");
    if (limitMs === 0 || limitMs > 1000 * idleSeconds)
      return fine("the server keeps them at least as long as the sidecar");
    const detail = `the server closes them after ${limitMs} ms, the sidecar after ${1000 * idleSeconds} ms, so a set can fail on one that was just closed`;
    return warning(detail, `ALTER ROLE ${account} SET idle_session_timeout = 0;`);
  },
};

const connectionsQuery = `
  SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most,
         (SELECT count(*)::int FROM pg_stat_activity WHERE datid IS NOT NULL AND usename <> current_user) AS others,
         (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user) AS own`;

const connections: Check<Database> = {
  id: "database.connections",
  title: "connections",
  async examine({ run, settings, account }) {
    const columns = { most: Type.Number(), others: Type.Number(), own: Type.Number() };
    const { most, others, own } = await readRow(run, columns, connectionsQuery);
    const { poolMax } = settings;
    if (own >= 0 && own < poolMax) {
      return wrong(
        `the role may have ${own}, and DATABASE_POOL_MAX is ${poolMax}`,
        `ALTER ROLE ${account} CONNECTION LIMIT ${2 * poolMax};`,
      );
    }
    if (poolMax > most)
      return wrong(
        `the server has ${most}, and DATABASE_POOL_MAX is ${poolMax}`,
        `DATABASE_POOL_MAX=${Math.max(1, most >> 1)}`,
      );
    if (poolMax > most - others) {
      return warning(
        `DATABASE_POOL_MAX is ${poolMax}, and others have ${others} of ${counted(most, "connection")} now`,
        `DATABASE_POOL_MAX=${Math.max(1, most - others)}`,
      );
    }
    return fine(`each sidecar opens at most ${poolMax} of the server's ${most}; others use ${others} now`);
  },
};

const pooler: Check<Database> = {
  id: "database.pooler",
  title: "pooler",
  examine({ settings, isBehindPooler }) {
    if (!settings.prepare) return fine("ready for one: DATABASE_PREPARE is false");
    if (!isBehindPooler) return fine("none between the sidecar and the server");
    const detail = "a pooler such as PgBouncer does not preserve what the sidecar sets on its connections";
    return wrong(detail, "DATABASE_PREPARE=false");
  },
};

/** In the order in which they are shown, after the checks of the table. */
export const postgresChecks: readonly Check<Database>[] = [
  encryption,
  primary,
  durability,
  pooler,
  timeLimit,
  idle,
  connections,
];
export const postgresRowChecks: readonly Check<Database>[] = [postgresPrivileges, rowSecurity];

async function settingOf(run: Database["run"], name: string): Promise<string> {
  const query = "SELECT coalesce(current_setting($1, true), '0') AS value";
  return (await readRow(run, { value: Type.String() }, query, [name])).value;
}

/** Postgres returns these values with their unit. */
async function millisecondsOf(run: Database["run"], name: string): Promise<number> {
  const query = "SELECT coalesce(max(setting), '0') AS value FROM pg_settings WHERE name = $1";
  return (await readRow(run, { value: Type.Number() }, query, [name])).value;
}
