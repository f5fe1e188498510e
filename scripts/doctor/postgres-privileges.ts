import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { quoteTable } from "../../src/directory/dialects/dialect.ts";
import { nullableText } from "../../src/directory/nullable-text.ts";
import { fixBy, fixWhen, sql } from "../../src/fix.ts";
import { type Check, fine, warning } from "./check.ts";
import type { Database } from "./database.ts";
import { isNeeded, listPrivileges, tellPrivileges } from "./privileges.ts";
import { readRow } from "./sql-row.ts";
import { grantFor } from "./table-checks.ts";

/** Suggested in place of a role whose privileges cannot be limited. */
const newRole = "ownid_sidecar";

const attributes: Readonly<Record<string, string>> = {
  rolsuper: "SUPERUSER",
  rolcreatedb: "CREATEDB",
  rolcreaterole: "CREATEROLE",
  rolreplication: "REPLICATION",
  rolbypassrls: "BYPASSRLS",
};

const role = {
  owns: Type.Boolean(),
  rolsuper: Type.Boolean(),
  rolcreatedb: Type.Boolean(),
  rolcreaterole: Type.Boolean(),
  rolreplication: Type.Boolean(),
  rolbypassrls: Type.Boolean(),
};

const Grant = Type.Object({
  grantee: Type.String(),
  /**
   * The roles through which the sidecar's is a member of the grantee, as REVOKE writes them; `null` for its own
   * grants.
   */
  through: nullableText,
  privilege: Type.String(),
  column: nullableText,
});
type Grant = Static<typeof Grant>;

const roleQuery = `
  SELECT pg_has_role(c.relowner, 'USAGE') AS owns, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls
  FROM pg_roles, pg_class c WHERE rolname = current_user AND c.oid = to_regclass($1)`;

/** What is granted to the role, to the roles that it is a member of, and to everyone. */
const grantsQuery = `
  WITH granted AS (
    SELECT a.grantee, a.privilege_type, NULL AS name FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = to_regclass($1)
    UNION ALL
    SELECT a.grantee, a.privilege_type, c.attname FROM pg_attribute c, aclexplode(c.attacl) a WHERE c.attrelid = to_regclass($1)
  )
  SELECT coalesce(quote_ident(r.rolname), 'PUBLIC') AS grantee, privilege_type AS privilege, name AS "column",
         (SELECT string_agg(quote_ident(d.rolname), ', ' ORDER BY d.rolname)
          FROM pg_auth_members m JOIN pg_roles d ON d.oid = m.roleid JOIN pg_roles self ON self.oid = m.member
          WHERE self.rolname = current_user AND grantee <> 0 AND pg_has_role(d.oid, grantee, 'USAGE')) AS through
  FROM granted LEFT JOIN pg_roles r ON r.oid = grantee WHERE grantee = 0 OR pg_has_role(grantee, 'USAGE')`;

/** Whatever the role may do beyond its needs, an attacker with DATABASE_URL may do as well. */
export const postgresPrivileges: Check<Database> = {
  id: "database.privileges-excess",
  title: "no more privileges",
  async examine(database) {
    const { run, names, spelling, account } = database;
    const table = quoteTable(names.table, spelling.quote);
    const { owns, ...flags } = await readRow(run, role, roleQuery, [table]);
    if (flags.rolsuper || owns) {
      const who = flags.rolsuper ? "a superuser" : "the table's owner";
      return warning(
        `the role is ${who}, and may do anything to it; give the sidecar a role of its own, and name it in DATABASE_URL`,
        createRole(database),
      );
    }
    const granted = Value.Parse(Type.Array(Grant), await run(grantsQuery, [table]));
    const excess = granted.filter((grant) => !isNeeded(grant, database));
    const surplus = Object.entries(flags).flatMap(([flag, isSet]) =>
      isSet ? [attributes[flag] ?? flag] : [],
    );
    if (excess.length + surplus.length === 0) return fine("only what the sidecar needs");
    const alter = `ALTER ROLE ${account} ${surplus.map((attribute) => `NO${attribute}`).join(" ")};`;
    const found = [...surplus, ...tellPrivileges(excess)].join(", ");
    const ofRole = excess.filter(({ grantee }) => grantee !== "PUBLIC");
    const ofAll = excess.filter(({ grantee }) => grantee === "PUBLIC");
    const own = [
      ...(surplus.length === 0 ? [] : [alter]),
      ...(ofRole.length === 0 ? [] : [...revoke(ofRole, database), grantFor(database)]),
    ];
    const forAll = [...revoke(ofAll, database), grantFor(database)];
    return warning(`the role may also: ${found}`, [
      ...(own.length === 0 ? [] : fixBy(...own.map(sql))),
      ...(ofAll.length === 0
        ? []
        : [fixWhen("If no other role relies on what everyone may do", ...forAll.map(sql))]),
    ]);
  },
};

const security = { isActive: Type.Boolean(), isOpen: Type.Boolean() };

const securityQuery = `
  SELECT row_security_active(c.oid) AS "isActive",
         EXISTS (SELECT FROM pg_policy p
                 WHERE p.polrelid = c.oid AND p.polcmd = '*' AND pg_get_expr(p.polqual, c.oid) = 'true'
                   AND (p.polroles = '{0}' OR (SELECT oid FROM pg_roles WHERE rolname = current_user) = ANY (p.polroles))
                ) AS "isOpen"
  FROM pg_class c WHERE c.oid = to_regclass($1)`;

export const rowSecurity: Check<Database> = {
  id: "database.row-security",
  title: "row security",
  async examine({ run, names, spelling, account }) {
    const table = quoteTable(names.table, spelling.quote);
    const { isActive, isOpen } = await readRow(run, security, securityQuery, [table]);
    if (!isActive || isOpen) return fine("hides no users");
    const policy = `CREATE POLICY ownid_sidecar ON ${table} TO ${account} USING (true) WITH CHECK (true);`;
    return warning("row-level security may hide users from the role, as if they did not exist", policy);
  },
};

function createRole(database: Database): string {
  return `CREATE ROLE ${newRole} LOGIN PASSWORD '<password>'; ${grantFor(database, newRole)}`;
}

/**
 * Revoking SELECT and UPDATE from the whole table also revokes them from its columns, so the grant that follows
 * restores them. The privileges of a group belong to the site as well, so the sidecar's role leaves the group.
 */
function revoke(excess: readonly Grant[], { names, spelling, account }: Database): string[] {
  const table = quoteTable(names.table, spelling.quote);
  const groups = excess.flatMap(({ through }) => through ?? []);
  const own = excess.filter(({ through }) => through === null);
  const byGrantee = Object.groupBy(own, ({ grantee }) => grantee);
  const revoked = Object.entries(byGrantee).map(([grantee, privileges = []]) => {
    return `REVOKE ${listPrivileges(privileges, spelling.quote)} ON ${table} FROM ${grantee};`;
  });
  return [...[...new Set(groups)].map((group) => `REVOKE ${group} FROM ${account};`), ...revoked];
}
