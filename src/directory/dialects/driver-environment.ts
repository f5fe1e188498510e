import { SQL } from "bun";
import { accountName } from "../../files/account.ts";

/**
 * Where the URL says nothing, and for the database's name even where it does, Bun.SQL reads variables of its own: of
 * libpq (PGDATABASE, PG_HOST, PGOPTIONS, PGSSLMODE, …), of the MySQL client (MYSQL_DATABASE, MYSQLHOST, …), and USER.
 */
const driverVariable = /^(?:PG|MYSQL|MARIADB|TLS_)|^USER(?:NAME)?$/;

/** Connections to what `DATABASE_URL` names, whatever the environment says: it is hidden while the driver reads it. */
export function connectToUrl(url: string, settings: SQL.PostgresOrMySQLOptions): SQL {
  const hidden = Object.entries(process.env).filter(([name]) => driverVariable.test(name));
  for (const [name] of hidden) delete process.env[name];
  try {
    return new SQL(url, { ...settings, ...accountOf(url) });
  } finally {
    Object.assign(process.env, Object.fromEntries(hidden));
  }
}

/** As libpq does: the system's account, where the URL names none. */
function accountOf(url: string): { username: string } | null {
  const { username, searchParams } = new URL(url);
  const account = username === "" && !searchParams.has("user") ? accountName() : null;
  return account === null ? null : { username: account };
}
