import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { quoteTable, splitTable } from "../../src/directory/dialects/dialect.ts";
import { nullableText } from "../../src/directory/nullable-text.ts";
import { type Check, fine, warning } from "./check.ts";
import type { Database } from "./database.ts";
import { isNeeded, listPrivileges, tellPrivileges } from "./privileges.ts";
import { grantFor } from "./table-checks.ts";

const Grants = Type.Array(
  Type.Object({
    privilege: Type.String(),
    column: nullableText,
    /** `*` for the whole server, otherwise the pattern of a database. In that case `table` may be set. */
    place: Type.String(),
    isTable: Type.Union([Type.Number(), Type.String()]),
    mayPassOn: Type.String(),
  }),
);
type Grant = (typeof Grants)["static"][number];

/** The account's own grants that apply to the table. */
const grantsQuery = `
  SELECT privilege_type AS privilege, NULL AS \`column\`, '*' AS place, 0 AS isTable, is_grantable AS mayPassOn
  FROM information_schema.user_privileges WHERE grantee = ? AND privilege_type <> 'USAGE'
  UNION ALL
  SELECT privilege_type, NULL, table_schema, 0, is_grantable
  FROM information_schema.schema_privileges WHERE grantee = ? AND coalesce(?, database()) LIKE table_schema
  UNION ALL
  SELECT privilege_type, NULL, table_schema, 1, is_grantable
  FROM information_schema.table_privileges WHERE grantee = ? AND table_schema = coalesce(?, database()) AND table_name = ?
  UNION ALL
  SELECT privilege_type, column_name, table_schema, 1, is_grantable
  FROM information_schema.column_privileges WHERE grantee = ? AND table_schema = coalesce(?, database()) AND table_name = ?`;

/** An account with one of these can have all. */
const almighty = ["SUPER", "CREATE USER", "SYSTEM_USER"];
const newAccount = "'ownid_sidecar'@'%'";

/** Whatever the account may do beyond its needs, an attacker with DATABASE_URL may do as well. */
export const mysqlPrivileges: Check<Database> = {
  id: "database.privileges-excess",
  title: "no more privileges",
  async examine(database) {
    const { run, names, account } = database;
    const { schema, table } = splitTable(names.table);
    const parameters = [account, account, schema, account, schema, table, account, schema, table];
    const granted = Value.Parse(Grants, await run(grantsQuery, parameters));
    if (granted.some(({ privilege }) => almighty.includes(privilege))) {
      const create = `CREATE USER ${newAccount} IDENTIFIED BY '<password>'; ${grantFor(database, newAccount)}`;
      return warning(
        "the account administers the server; give the sidecar an account of its own, and name it in DATABASE_URL",
        create,
      );
    }
    const excess = granted.filter((grant) => !(grant.isTable && isNeeded(grant, database)));
    const passedOn = granted
      .filter(({ mayPassOn }) => mayPassOn === "YES")
      .map((grant) => ({ ...grant, privilege: "GRANT OPTION", column: null }));
    if (excess.length + passedOn.length === 0) return fine("only what the sidecar needs");
    const all = [...excess, ...passedOn];
    const fix = [...revoke(all, database), grantFor(database)].join(" ");
    return warning(`the account may also: ${tellPrivileges(all).join(", ")}`, fix);
  },
};

function revoke(excess: readonly Grant[], { names, spelling, account }: Database): string[] {
  const { quote } = spelling;
  const placeOf = ({ place, isTable }: Grant) => {
    if (place === "*") return "*.*";
    return isTable ? quoteTable(names.table, quote) : `${quote(place)}.*`;
  };
  return Object.entries(Object.groupBy(excess, placeOf)).map(([place, grants = []]) => {
    return `REVOKE ${listPrivileges(grants, quote)} ON ${place} FROM ${account};`;
  });
}
