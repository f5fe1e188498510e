import { readOnlyServer } from "./sql-failure.ts";
import type { UnfitState } from "./unfit-state.ts";

/** Variables that determine what a server can be asked. MySQL, MariaDB and their versions differ in them. */
export const stateVariables = [
  "read_only",
  "super_read_only",
  "innodb_read_only",
  "tx_isolation",
  "transaction_isolation",
  "in_transaction",
  "log_bin",
  "binlog_format",
  "sql_log_bin",
  "system_versioning_asof",
  "wsrep_on",
  "wsrep_dirty_reads",
  "wsrep_sync_wait",
] as const;

interface Candidate extends UnfitState {
  readonly needs: readonly (typeof stateVariables)[number][];
  readonly notInMariaDb?: true;
}

/** Newer versions of MariaDB spell these values out. */
const isOn = (variable: string) => `CAST(@@${variable} AS CHAR) NOT IN ('OFF', '0')`;

function misfit(name: string, condition: string, reason: string, command: string, more = ""): UnfitState {
  return { name, condition, failure: { meaning: "misfit", reason, fix: command + more }, command };
}

const spoken = ["character_set_client", "character_set_connection", "character_set_results"] as const;

const readsUncommitted = (variable: string) =>
  misfit(
    "uncommitted",
    `@@session.${variable} = 'READ-UNCOMMITTED'`,
    "the server lets connections read what is not committed (READ UNCOMMITTED)",
    "SET GLOBAL TRANSACTION ISOLATION LEVEL READ COMMITTED;",
  );

const candidates: readonly Candidate[] = [
  ...(["read_only", "super_read_only", "innodb_read_only"] as const).map((variable) => ({
    name: variable,
    condition: isOn(`global.${variable}`),
    failure: readOnlyServer,
    // The value of InnoDB is fixed when the server starts.
    command: variable === "innodb_read_only" ? null : `SET GLOBAL ${variable} = OFF;`,
    needs: [variable],
  })),
  {
    ...misfit(
      "autocommit",
      "NOT @@session.autocommit",
      "the server begins connections with autocommit off, so nothing would be committed",
      "SET GLOBAL autocommit = ON;",
      " and see that init_connect does not switch it off",
    ),
    needs: [],
  },
  {
    name: "transaction",
    condition: "@@session.in_transaction",
    failure: {
      meaning: "misfit",
      reason: "connections are inside a transaction that something else began, so nothing would be committed",
      fix: "check init_connect, and let a proxy keep a connection for one client until its transaction has ended",
    },
    command: null,
    needs: ["in_transaction"],
  },
  { ...readsUncommitted("tx_isolation"), needs: ["tx_isolation"] },
  { ...readsUncommitted("transaction_isolation"), needs: ["transaction_isolation"] },
  {
    // A statement that is repeated later, on a replica or from the log, would find its deadline passed and change nothing.
    ...misfit(
      "binlog_format",
      "(@@global.log_bin AND @@session.binlog_format = 'STATEMENT')",
      "the server's binary log holds statements instead of rows, so replicas and restored backups would lose writes (binlog_format=STATEMENT)",
      "SET GLOBAL binlog_format = 'MIXED';",
      " and in its configuration",
    ),
    needs: ["log_bin", "binlog_format"],
  },
  {
    ...misfit(
      "sql_log_bin",
      "(@@global.log_bin AND NOT @@session.sql_log_bin)",
      "the server leaves what the sidecar's connections write out of its binary log, so replicas and restored backups would lose writes (sql_log_bin=OFF)",
      "SET GLOBAL init_connect = '';",
      " which switches sql_log_bin off",
    ),
    needs: ["log_bin", "sql_log_bin"],
  },
  {
    name: "charset",
    condition: `NOT (${spoken.map((variable) => `@@session.${variable} <=> 'utf8mb4'`).join(" AND ")})`,
    failure: {
      meaning: "misfit",
      reason: "the server makes connections speak another character set than utf8mb4, so values would change",
      fix: "check init_connect and skip-character-set-client-handshake",
    },
    command: null,
    needs: [],
  },
  {
    ...misfit(
      "past",
      "@@session.system_versioning_asof <> 'DEFAULT'",
      "the server shows connections the rows of an earlier time (system_versioning_asof)",
      "SET GLOBAL system_versioning_asof = DEFAULT;",
      " and see that init_connect does not set it",
    ),
    needs: ["system_versioning_asof"],
  },
  {
    ...misfit(
      "wsrep_on",
      "(@@global.wsrep_on AND NOT @@session.wsrep_on)",
      "the Galera node does not replicate what the sidecar's connections write (wsrep_on=OFF)",
      "SET GLOBAL init_connect = '';",
      " which switches wsrep_on off",
    ),
    needs: ["wsrep_on"],
  },
  {
    ...misfit(
      "wsrep_dirty_reads",
      "(@@global.wsrep_on AND @@session.wsrep_dirty_reads)",
      "the Galera node answers even where it has lost the others (wsrep_dirty_reads=ON)",
      "SET GLOBAL wsrep_dirty_reads = OFF;",
    ),
    needs: ["wsrep_on", "wsrep_dirty_reads"],
  },
  {
    // MariaDB accepts it with each statement.
    ...misfit(
      "wsrep_sync_wait",
      "(@@global.wsrep_on AND @@session.wsrep_sync_wait & 1 = 0)",
      "the Galera node answers before it has applied what the others have committed (wsrep_sync_wait)",
      "SET GLOBAL wsrep_sync_wait = 3;",
    ),
    needs: ["wsrep_on", "wsrep_sync_wait"],
    notInMariaDb: true,
  },
];

/** Returns the states that a server with these variables can be asked about. */
export function mysqlUnfitStates(variables: ReadonlySet<string>, isMariaDb: boolean): readonly UnfitState[] {
  return candidates.filter(
    ({ needs, notInMariaDb }) =>
      needs.every((variable) => variables.has(variable)) && !(isMariaDb && notInMariaDb),
  );
}
