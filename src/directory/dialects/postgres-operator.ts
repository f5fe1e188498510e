import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { fixBy, sql } from "../../fix.ts";
import type { TableProblem } from "../table-problem.ts";
import type { RunSql, TableNames } from "./dialect.ts";

/**
 * `=` means the column type's own operator only if the schema of that operator is searched. A citext whose operator
 * is not found is compared as text instead: case-sensitively, and without its index. $1 is the quoted table, $2 the
 * column.
 */
const hiddenOperatorQuery = `
  SELECT format_type(a.atttypid, a.atttypmod) AS type, quote_ident(n.nspname) AS schema, quote_ident(current_user) AS role,
         quote_ident(current_database()) AS database, has_schema_privilege(n.oid, 'USAGE') AS "mayEnter",
         quote_ident(n.nspname) = ANY (string_to_array(replace(current_setting('search_path'), ', ', ','), ',')) AS "isNamed",
         coalesce(nullif(nullif(current_setting('search_path'), ''), '""') || ', ', '') || quote_ident(n.nspname) AS path
  FROM pg_attribute a
  JOIN pg_type t ON t.oid = a.atttypid
  JOIN pg_opclass c ON c.opcintype = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
                   AND c.opcdefault AND c.opcmethod = (SELECT oid FROM pg_am WHERE amname = 'btree')
  JOIN pg_amop m ON m.amopfamily = c.opcfamily AND m.amopstrategy = 3
                AND m.amoplefttype = c.opcintype AND m.amoprighttype = c.opcintype
  JOIN pg_operator o ON o.oid = m.amopopr
  JOIN pg_namespace n ON n.oid = o.oprnamespace
  WHERE a.attrelid = to_regclass($1) AND a.attname = $2 AND NOT pg_operator_is_visible(o.oid)`;

const HiddenOperators = Type.Array(
  Type.Object({
    type: Type.String(),
    schema: Type.String(),
    role: Type.String(),
    database: Type.String(),
    mayEnter: Type.Boolean(),
    isNamed: Type.Boolean(),
    path: Type.String(),
  }),
);

/** Returns a problem if lookups do not compare the login id column as its type does. */
export async function operatorProblems(
  run: RunSql,
  table: string,
  { loginIdColumn }: TableNames,
): Promise<TableProblem[]> {
  const hidden = Value.Parse(HiddenOperators, await run(hiddenOperatorQuery, [table, loginIdColumn]));
  return hidden.map(({ type, schema, role, database, mayEnter, isNamed, path }) => ({
    variable: "USERS_LOGIN_ID_COLUMN",
    detail: `column "${loginIdColumn}" is ${type}, but the role does not search the schema ${schema} for its operators, so each lookup would read the whole table and compare by case`,
    fixes: fixBy(
      ...(mayEnter ? [] : [sql(`GRANT USAGE ON SCHEMA ${schema} TO ${role};`)]),
      ...(isNamed ? [] : [sql(`ALTER ROLE ${role} IN DATABASE ${database} SET search_path = ${path};`)]),
    ),
  }));
}
