import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { RunSql } from "./dialect.ts";
import { lastRows } from "./postgres-rows.ts";

const Names = Type.Array(Type.Object({ name: Type.String() }));

/**
 * Returns the full, quoted name of the table that a new connection finds under this quoted name, or this name if
 * there is none. A connection that a pooler shares may search other schemas, since another client has set
 * `search_path`, and may have a temporary table of the same name. The text is one transaction, so the connection is
 * left unchanged.
 */
export async function fullNameOf(run: RunSql, table: string): Promise<string> {
  const results = await run(`
    SET LOCAL search_path TO DEFAULT;
    SELECT set_config('search_path', concat_ws(', ', nullif(current_setting('search_path'), ''), 'pg_temp'), true);
    SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = to_regclass('${table.replaceAll("'", "''")}')`);
  const [found] = Value.Parse(Names, lastRows(results));
  return found?.name ?? table;
}
