import { alwaysSamePlace, type ColumnFacts, connectionSettings, type Dialect } from "./dialect.ts";
import { connectToUrl } from "./driver-environment.ts";
import { inspectPostgres } from "./postgres-catalogue.ts";
import { postgresFailure } from "./postgres-failures.ts";
import { clockMs, quote } from "./postgres-spelling.ts";
import { selectSessionColumns } from "./session-columns.ts";
import { readOnlyServer } from "./sql-failure.ts";
import { type UnfitState, unfitExpression } from "./unfit-state.ts";

const otherEncoding: UnfitState = {
  name: "encoding",
  condition: "pg_client_encoding() <> 'UTF8'",
  failure: {
    meaning: "misfit",
    reason: "the connection speaks another character set than UTF8, so values would change",
    fix: "check whether another client of a pooler, or a function of the database, sets client_encoding",
  },
  command: null,
};

/** In the last two states, a server refuses an UPDATE itself. In recovery, transactions are read-only as well. */
const unfitStates: readonly UnfitState[] = [
  otherEncoding,
  { name: "standby", condition: "pg_is_in_recovery()", failure: readOnlyServer, command: null },
  {
    name: "read-only transactions",
    condition: "current_setting('transaction_read_only') = 'on'",
    failure: {
      meaning: "replica",
      reason: "the server is no replica, but begins transactions read-only (default_transaction_read_only)",
      fix: "check whether it was switched on because the disk is full, and run what bun run doctor prints",
    },
    command: null,
  },
];

/**
 * Returns an expression that is true if, once the UPDATE has changed a row, nothing runs that could change the row
 * again. RETURNING shows what BEFORE triggers made of a value, but not what AFTER triggers, rules and inheriting
 * tables will do.
 */
function nothingRunsAfter(table: string): string {
  const oid = `'${table.replaceAll("'", "''")}'::regclass`;
  return `NOT EXISTS (SELECT FROM pg_catalog.pg_class c
                      WHERE c.oid = ${oid} AND (c.relkind <> 'r' OR c.relhasrules OR c.relhassubclass))
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t
                          WHERE t.tgrelid = ${oid} AND NOT t.tgisinternal AND t.tgtype & 2 = 0)`;
}

function textOf({ name }: ColumnFacts): string {
  return `u.${quote(name)}::text`;
}

export const postgres: Dialect = {
  name: "Postgres",

  watchPlace: alwaysSamePlace,

  connect: (options) =>
    connectToUrl(options.url, {
      ...connectionSettings(options),
      // PgBouncer refuses start-up parameters that it does not know. The deadlines of the client and of the UPDATE
      // remain, and the operator sets statement_timeout on the role.
      ...(options.prepare
        ? {
            connection: {
              statement_timeout: String(options.statementMs),
              application_name: new URL(options.url).searchParams.get("application_name") ?? "ownid-sidecar",
            },
          }
        : {}),
    }),

  inspect: inspectPostgres,

  settings: () => ({ before: "", hint: "" }),
  unfitStates: () => unfitStates,

  statements(names, facts) {
    const loginId = `u.${quote(names.loginIdColumn)}`;
    const ownIdData = `u.${quote(names.ownIdDataColumn)}`;
    const blockedColumn = facts.columns.find(({ name }) => name === names.blockedColumn);
    const blocked = !blockedColumn
      ? "false"
      : `coalesce(u.${quote(blockedColumn.name)}${blockedColumn.kind === "number" ? " <> 0" : ""}, false)`;
    const holds = `${ownIdData}::text COLLATE "C" IS NOT DISTINCT FROM $1::text`;
    const confirmation = facts.confirmsUpdates
      ? `RETURNING ${holds} AND ${nothingRunsAfter(facts.fullName)} AS "holds"`
      : "";
    const find = (further: string) =>
      `SELECT $1::text AS "readId", ${loginId}::text AS "loginId", ${ownIdData}::text AS "ownIdData", ${blocked} AS "blocked",
              ${clockMs} AS "databaseTimeMs", ${unfitExpression(unfitStates)} AS "unfit"${further}
       FROM (SELECT 1) AS server LEFT JOIN ${facts.fullName} AS u ON ${loginId} = $2 LIMIT 2`;
    return {
      find: find(""),
      findForSession: find(selectSessionColumns(names.session, facts, textOf)),
      replace: `UPDATE ${facts.fullName} AS u SET ${quote(names.ownIdDataColumn)} = $1
                WHERE ${loginId} = $2 AND ${loginId}::text COLLATE "C" = $5::text
                  AND ${ownIdData}::text COLLATE "C" IS NOT DISTINCT FROM $3
                  AND ($6::boolean OR NOT ${blocked}) AND ${clockMs} < $4::float8 AND NOT ${otherEncoding.condition}
                ${confirmation}`,
      parametersOf: (change) => [
        change.replacement,
        change.loginId,
        change.expected,
        change.deadlineMs,
        change.loginId,
        change.evenIfBlocked === true,
      ],
    };
  },

  failure: postgresFailure,
} satisfies Dialect;
