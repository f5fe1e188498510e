import { Type } from "@sinclair/typebox";
import { quoteTable } from "../../src/directory/dialects/dialect.ts";
import { type Check, fine, warning } from "./check.ts";
import type { Database } from "./database.ts";
import { readRow } from "./sql-row.ts";

const columns = {
  commit: Type.String(),
  fsync: Type.String(),
  database: Type.String(),
  isUnlogged: Type.Boolean(),
};

const query = `
  SELECT current_setting('synchronous_commit') AS commit, current_setting('fsync') AS fsync,
         quote_ident(current_database()) AS database,
         EXISTS (SELECT FROM pg_class WHERE oid = to_regclass($1) AND relpersistence = 'u') AS "isUnlogged"`;

/** Checks whether what Postgres has committed survives a crash. */
export const durability: Check<Database> = {
  id: "database.durability",
  title: "durability",
  async examine({ run, names, spelling, account }) {
    const table = quoteTable(names.table, spelling.quote);
    const { commit, fsync, database, isUnlogged } = await readRow(run, columns, query, [table]);
    if (isUnlogged) {
      const detail = "the table is unlogged, so a crash of the server empties it";
      return warning(detail, `ALTER TABLE ${table} SET LOGGED;`);
    }
    if (fsync === "off") {
      const detail = "fsync is off, so a power failure can lose what was committed, or corrupt the database";
      return warning(detail, "ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf();");
    }
    if (commit !== "off") return fine("committed data survives a crash of the server");
    return warning(
      "synchronous_commit is off, so a crash of the server can lose what was just committed",
      `ALTER ROLE ${account} IN DATABASE ${database} SET synchronous_commit = on;`,
    );
  },
};
