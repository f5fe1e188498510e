import type { SQL } from "bun";
import type { Replacement } from "../../coherence/user-directory.ts";
import type { DatabaseTls } from "../../config/database-config.ts";
import type { Fix } from "../../fix.ts";
import type { CountRepeats, RepeatedLoginIds } from "../repeated-login-ids.ts";
import type { TableProblem } from "../table-problem.ts";
import type { SqlFailure } from "./sql-failure.ts";
import type { UnfitState } from "./unfit-state.ts";

/** The site's table, by the names the operator configured. */
export interface TableNames {
  /** `table` or `schema.table`. */
  readonly table: string;
  readonly loginIdColumn: string;
  readonly ownIdDataColumn: string;
  readonly blockedColumn: string | null;
}

export interface ConnectionOptions {
  /** For SQLite, the file's path. */
  readonly url: string;
  readonly poolMax: number;
  /** `false` behind pgbouncer, which can share one server connection between clients. */
  readonly prepare: boolean;
  readonly tls: DatabaseTls;
  /** The limit of one statement on the server, in milliseconds. */
  readonly statementMs: number;
}

export type ColumnKind = "text" | "padded text" | "boolean" | "number" | "other";

export interface ColumnFacts {
  readonly name: string;
  /** As the database writes it, for messages. */
  readonly type: string;
  readonly kind: ColumnKind;
  /** `null` = no limit that a request could reach. */
  readonly capacity: { readonly amount: number; readonly unit: "characters" | "bytes" } | null;
  /** Whether the column's character set holds all of Unicode. */
  readonly unicode: boolean;
  readonly nullable: boolean;
}

export interface TableFacts {
  /** Quoted, as the statements write it. A server's names the schema too, so that it means one table on every connection. */
  readonly fullName: string;
  /** Empty when the table is not there. */
  readonly columns: readonly ColumnFacts[];
  readonly isView: boolean;
  /** Whether a statement that fails is known to leave nothing behind; MyISAM, for one, keeps what a failed trigger follows. */
  readonly rollsBack: boolean;
  /** Whether an UPDATE of the `ownIdData` column reaches a table, without a trigger in between. */
  readonly isUpdatable: boolean;
  /** Whether an UPDATE itself can tell what the row holds once it is over. */
  readonly confirmsUpdates: boolean;
  /**
   * Columns by which a lookup finds one row at most: in a table by a unique index that covers them alone and whole, in
   * a view as far as its database can tell.
   */
  readonly uniqueColumns: readonly string[];
  /** What stands against a unique index on the login id column; `null` where it could not be counted. */
  readonly repeats: RepeatedLoginIds | null;
  /** The tables that are there, to name the nearest one. */
  readonly tables: readonly string[];
  /** Whether tables and columns are hidden from an account that has no privilege on them. */
  readonly hidesForbidden: boolean;
  /** Who the sidecar is to this database, as GRANT writes it. */
  readonly account: string;
  /** What else keeps the sidecar from its work. */
  readonly otherProblems: readonly TableProblem[];
  readonly fixes: TableFixes;
}

/** How the operator gives a table what it lacks, as this database takes it, without losing what the table has. */
export interface TableFixes {
  readonly addColumn: readonly Fix[];
  readonly widenColumn: readonly Fix[];
  readonly makeUnique: readonly Fix[];
  /** All that the sidecar needs, for this account. */
  grantTo(account: string): readonly Fix[];
}

/**
 * The two statements of the directory. `find` takes (readId, loginId) and returns at most two rows of `readId`,
 * `loginId`, `ownIdData`, `blocked`, `databaseTimeMs` and `unfit`, the name of an `UnfitState` or NULL. On a server it returns one row for an
 * unknown user too, whose `loginId` is NULL, so that a server in an unfit state cannot deny that a user exists.
 * `replace` changes the row whose login id is exactly that of the change if the user is not blocked or the change is `evenIfBlocked`, the row contains
 * `expected`, the clock shows less than `deadlineMs` and the server is in no unfit state. Where the table confirms
 * updates, it returns `holds`: whether the row holds exactly the replacement, and nothing runs later that could change it.
 */
export interface Statements {
  readonly find: string;
  readonly replace: string;
  /** What `replace` takes, in its order. */
  parametersOf(change: Replacement): unknown[];
}

/** Tries `replace` and the privileges it needs, and changes nothing: no user has the empty login id. */
export const probeReplacement: Replacement = { loginId: "", expected: "", replacement: "", deadlineMs: 0 };

/** What a statement brings along, written before and after SELECT or UPDATE. */
export interface StatementSettings {
  readonly before: string;
  readonly hint: string;
}

export type RunSql = (text: string, parameters?: readonly unknown[]) => Promise<readonly unknown[]>;

/** What differs between databases: quoting, catalogues, statements, and what their errors mean. */
export interface Dialect {
  readonly name: string;
  /** Returns a function that tells whether the address still leads to what it leads to now. */
  watchPlace(url: string): () => boolean;
  connect(options: ConnectionOptions): SQL;
  /** `count` is asked only where a unique index is missing. */
  inspect(run: RunSql, names: TableNames, count: CountRepeats): Promise<TableFacts>;
  /** What the statements ask the server about itself. Called after `inspect`, which may have learned which server this is. */
  unfitStates(): readonly UnfitState[];
  /** Called after `inspect`, like `unfitStates`. */
  settings(statementMs: number): StatementSettings;
  /** Called after `inspect`, which may have learned which server this is. */
  statements(names: TableNames, facts: TableFacts, statementMs: number): Statements;
  failure(error: unknown): SqlFailure;
}

/** `schema.table` is quoted part by part; a column is one identifier, dots included. */
export function quoteTable(table: string, quote: (identifier: string) => string): string {
  return table.split(".").map(quote).join(".");
}

export function splitTable(table: string): { schema: string | null; table: string } {
  const dot = table.indexOf(".");
  return dot < 0 ? { schema: null, table } : { schema: table.slice(0, dot), table: table.slice(dot + 1) };
}

/** All that the sidecar's account needs on the table, as GRANT writes it. */
export function neededPrivileges(names: TableNames, quote: (identifier: string) => string): string {
  const { loginIdColumn, ownIdDataColumn, blockedColumn } = names;
  const read = [loginIdColumn, ownIdDataColumn, blockedColumn].filter((column) => column !== null);
  return `SELECT (${read.map(quote).join(", ")}), UPDATE (${quote(ownIdDataColumn)})`;
}

/** How long an idle connection is kept. */
export const idleSeconds = 300;

/** What the drivers of both servers are told alike. A statement's limit ends the wait for a connection too. */
export function connectionSettings({ poolMax, prepare, tls, statementMs }: ConnectionOptions) {
  return {
    max: poolMax,
    prepare,
    connectionTimeout: Math.min(connectSecondsMax, Math.ceil(statementMs / 1000)),
    idleTimeout: idleSeconds,
    tls: driverTls(tls),
  };
}

/**
 * Every choice is spelt out, since the driver fills gaps from the environment: `PGSSLMODE` sets a mode, and
 * `NODE_TLS_REJECT_UNAUTHORIZED` switches the verification off where nobody asks for it.
 */
function driverTls({ mode, ca, client }: DatabaseTls): Bun.SQL.PostgresOrMySQLOptions["tls"] {
  if (mode === "disable") return false;
  if (mode === "prefer") return "prefer";
  return {
    rejectUnauthorized: mode !== "require",
    ...(ca === null ? {} : { ca }),
    ...(client === null ? {} : { cert: client.certificate, key: client.key }),
    ...(mode === "verify-ca" ? { checkServerIdentity: () => undefined } : {}),
  };
}

const connectSecondsMax = 5;

/** An address of a host needs no check of its own, since each statement asks the server that runs it about itself. */
export const alwaysSamePlace = () => () => true;
