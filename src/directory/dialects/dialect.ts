import type { SQL } from "bun";
import type { Replacement } from "../../coherence/user-directory.ts";
import type { DatabaseTls } from "../../config/database-config.ts";
import type { Fix } from "../../fix.ts";
import type { CountRepeats, RepeatedLoginIds } from "../repeated-login-ids.ts";
import type { TableProblem } from "../table-problem.ts";
import { type SessionColumns, sessionColumnsOf } from "./session-columns.ts";
import type { SqlFailure } from "./sql-failure.ts";
import type { UnfitState } from "./unfit-state.ts";

/** The site's table, by the names that the operator configured. */
export interface TableNames {
  /** `table` or `schema.table`. */
  readonly table: string;
  readonly loginIdColumn: string;
  readonly ownIdDataColumn: string;
  readonly blockedColumn: string | null;
  /** `null` = sessions read no further column. */
  readonly session: SessionColumns | null;
}

export interface ConnectionOptions {
  /** The address; for SQLite, the path of the file. */
  readonly url: string;
  readonly poolMax: number;
  /** `false` behind PgBouncer, which may share one server connection between clients. */
  readonly prepare: boolean;
  readonly tls: DatabaseTls;
  /** The limit of one statement on the server, in milliseconds. */
  readonly statementMs: number;
}

/** `symbol`: a UUID or an enumeration, whose values have one spelling as a text. */
export type ColumnKind = "text" | "padded text" | "boolean" | "number" | "symbol" | "other";

export interface ColumnFacts {
  readonly name: string;
  /** The type as the database writes it, for messages. */
  readonly type: string;
  readonly kind: ColumnKind;
  /** `null` means no limit that a request could reach. */
  readonly capacity: { readonly amount: number; readonly unit: "characters" | "bytes" } | null;
  /** Whether the column's character set holds all of Unicode. */
  readonly unicode: boolean;
  readonly nullable: boolean;
}

export interface TableFacts {
  /**
   * The quoted name, as the statements write it. On a server it includes the schema, so that it means the same table
   * on every connection.
   */
  readonly fullName: string;
  /** Empty if there is no such table. */
  readonly columns: readonly ColumnFacts[];
  readonly isView: boolean;
  /** Whether a statement that fails is known to leave nothing behind. MyISAM keeps what precedes a failed trigger. */
  readonly rollsBack: boolean;
  /** Whether an UPDATE of the `ownIdData` column reaches a table, without a trigger in between. */
  readonly isUpdatable: boolean;
  /** Whether an UPDATE itself can return what the row holds when it is over. */
  readonly confirmsUpdates: boolean;
  /**
   * Each of these columns alone identifies at most one row. In a table it has a unique index of its own, over its
   * whole value and all rows; in a view, as far as the database can tell.
   */
  readonly uniqueColumns: readonly string[];
  /** What prevents a unique index on the login id column; `null` if it could not be counted. */
  readonly repeats: RepeatedLoginIds | null;
  /** The tables that exist, to suggest the nearest name. */
  readonly tables: readonly string[];
  /** Whether tables and columns are hidden from an account without a privilege on them. */
  readonly hidesForbidden: boolean;
  /** The sidecar's account, as GRANT writes it. */
  readonly account: string;
  /** What else prevents the sidecar from using the table. */
  readonly otherProblems: readonly TableProblem[];
  readonly fixes: TableFixes;
}

/** How the operator adds what a table lacks, in the SQL of this database, without losing what the table has. */
export interface TableFixes {
  readonly addColumn: readonly Fix[];
  readonly widenColumn: readonly Fix[];
  readonly makeUnique: readonly Fix[];
  /** Grants everything that the sidecar needs to this account. */
  grantTo(account: string): readonly Fix[];
}

/**
 * The statements of the directory.
 *
 * `find` takes (readId, loginId) and returns at most two rows of `readId`, `loginId`, `ownIdData`, `blocked`,
 * `databaseTimeMs` and `unfit`, which is the name of an `UnfitState` or NULL. On a server it also returns a row for an
 * unknown user, with a `loginId` of NULL, so that a server in an unfit state cannot deny that a user exists.
 * `findForSession` is the same with the columns that sessions read, as texts under the names of `session-columns.ts`.
 *
 * `replace` changes the row with exactly this login id if the user is not blocked or the change is `evenIfBlocked`, the row
 * holds `expected`, the clock is before `deadlineMs`, and the server is in no unfit state. If the table confirms updates, it
 * returns `holds`: whether the row holds exactly the replacement, and nothing runs later that could change it.
 */
export interface Statements {
  readonly find: string;
  readonly findForSession: string;
  readonly replace: string;
  /** What `replace` takes, in its order. */
  parametersOf(change: Replacement): unknown[];
}

/** Tries `replace` and the privileges that it needs without changing anything, since no user has the empty login id. */
export const probeReplacement: Replacement = { loginId: "", expected: "", replacement: "", deadlineMs: 0 };

/** What is written before and after SELECT or UPDATE in each statement. */
export interface StatementSettings {
  readonly before: string;
  readonly hint: string;
}

export type RunSql = (text: string, parameters?: readonly unknown[]) => Promise<readonly unknown[]>;

/** What differs between databases: quoting, catalogues, statements, and the meaning of errors. */
export interface Dialect {
  readonly name: string;
  /** Returns a function that tells whether the address still leads to the same place as now. */
  watchPlace(url: string): () => boolean;
  connect(options: ConnectionOptions): SQL;
  /** `count` is called only if a unique index is missing. */
  inspect(run: RunSql, names: TableNames, count: CountRepeats): Promise<TableFacts>;
  /**
   * Returns the states that the statements ask the server about. Called after `inspect`, which may have learned which
   * server this is.
   */
  unfitStates(): readonly UnfitState[];
  /** Called after `inspect`, like `unfitStates`. */
  settings(statementMs: number): StatementSettings;
  /** Called after `inspect`, which may have learned which server this is. */
  statements(names: TableNames, facts: TableFacts, statementMs: number): Statements;
  failure(error: unknown): SqlFailure;
}

/** Quotes `schema.table` part by part. A column is one identifier, including dots. */
export function quoteTable(table: string, quote: (identifier: string) => string): string {
  return table.split(".").map(quote).join(".");
}

export function splitTable(table: string): { schema: string | null; table: string } {
  const dot = table.indexOf(".");
  return dot < 0 ? { schema: null, table } : { schema: table.slice(0, dot), table: table.slice(dot + 1) };
}

/** Returns what the sidecar's account needs on the table, as GRANT writes it. */
export function neededPrivileges(names: TableNames, quote: (identifier: string) => string): string {
  return `SELECT (${readColumns(names).map(quote).join(", ")}), UPDATE (${quote(names.ownIdDataColumn)})`;
}

/** Returns every column that the sidecar reads, each once. */
export function readColumns(names: TableNames): string[] {
  const { loginIdColumn, ownIdDataColumn, blockedColumn } = names;
  const always = [loginIdColumn, ownIdDataColumn, ...(blockedColumn === null ? [] : [blockedColumn])];
  return [...new Set([...always, ...sessionColumnsOf(names.session)])];
}

/** How long an idle connection is kept. */
export const idleSeconds = 300;

/**
 * Returns the settings that the drivers of both servers share. A statement's limit also ends the wait for a
 * connection.
 */
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
 * Every choice is explicit, because the driver takes missing ones from the environment: `PGSSLMODE` sets a mode, and
 * `NODE_TLS_REJECT_UNAUTHORIZED` turns verification off where nothing requests it.
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

/**
 * The address of a server needs no check of its own, since each statement asks the server that runs it about itself.
 */
export const alwaysSamePlace = () => () => true;
