import { Type } from "@sinclair/typebox";
import { SQL } from "bun";
import type { Config } from "../../src/config/load-config.ts";
import {
  neededPrivileges,
  quoteTable,
  type RunSql,
  splitTable,
} from "../../src/directory/dialects/dialect.ts";
import { createMysqlDialect } from "../../src/directory/dialects/mysql.ts";
import { mysqlSpelling } from "../../src/directory/dialects/mysql-spelling.ts";
import { type Fix, fixWhen, sql } from "../../src/fix.ts";
import { readRow } from "./sql-row.ts";

const databaseRefused = 1044;
/** A database that every account may use. */
const openToAll = "/information_schema";

/**
 * Returns the GRANT for an account that MySQL admits but refuses the database, which it also does if there is no such
 * database. The name of the account is read over a connection to another database.
 *
 * @returns `null` if the error is another one, or the name cannot be read
 */
export async function grantDatabase(error: unknown, config: Config): Promise<readonly Fix[] | null> {
  if (!(error instanceof SQL.MySQLError) || error.errno !== databaseRefused) return null;
  const { names, url } = config.database;
  const { quote } = mysqlSpelling;
  const address = new URL(url.reveal());
  const database = decodeURIComponent(address.pathname.slice(1));
  address.pathname = openToAll;
  const account = await accountAt(address.href, config).catch(() => null);
  if (account === null) return null;
  const { schema, table } = splitTable(names.table);
  const place = quoteTable(`${schema ?? database}.${table}`, quote);
  return [
    fixWhen(
      "If the database has the table",
      sql(`GRANT ${neededPrivileges(names, quote)} ON ${place} TO ${account};`),
    ),
    fixWhen("Otherwise correct the database's name in DATABASE_URL"),
  ];
}

async function accountAt(url: string, { database, coherence }: Config): Promise<string> {
  const { statementMs } = coherence;
  const options = { url, poolMax: 1, prepare: database.prepare, tls: database.tls.reveal(), statementMs };
  const connection = createMysqlDialect().connect(options);
  try {
    const run: RunSql = async (text) => connection.unsafe(text);
    return (await readRow(run, { account: Type.String() }, mysqlSpelling.identity)).account;
  } finally {
    await connection.close({ timeout: 1 }).catch(() => {});
  }
}
