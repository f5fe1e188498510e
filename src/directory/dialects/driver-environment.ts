import { SQL } from "bun";
import { accountName } from "../../files/account.ts";

/**
 * Bun.SQL reads variables of its own where the URL says nothing, and the name of the database even where the URL has
 * one: those of libpq (PGDATABASE, PG_HOST, PGOPTIONS, PGSSLMODE, …), those of the MySQL client (MYSQL_DATABASE,
 * MYSQLHOST, …), and USER.
 */
const driverVariable = /^(?:PG|MYSQL|MARIADB|TLS_)|^USER(?:NAME)?$/;

/**
 * Connects to what `DATABASE_URL` names, whatever the environment says. The environment is hidden while the driver
 * reads it.
 */
export function connectToUrl(url: string, settings: SQL.PostgresOrMySQLOptions): SQL {
  const hidden = Object.entries(process.env).filter(([name]) => driverVariable.test(name));
  for (const [name] of hidden) delete process.env[name];
  try {
    return new SQL(url, { ...settings, ...accountOf(url) });
  } finally {
    Object.assign(process.env, Object.fromEntries(hidden));
  }
}

/** Returns the system's account if the URL names no user, as libpq does. */
function accountOf(url: string): { username: string } | null {
  const { username, searchParams } = new URL(url);
  const account = username === "" && !searchParams.has("user") ? accountName() : null;
  return account === null ? null : { username: account };
}
