import { Type } from "@sinclair/typebox";
import { quoteTable, splitTable } from "../../src/directory/dialects/dialect.ts";
import { unfitExpression } from "../../src/directory/dialects/unfit-state.ts";
import { nullableText } from "../../src/directory/nullable-text.ts";
import { type Fix, fixWhen, setting, sql } from "../../src/fix.ts";
import { type Check, fine, type Verdict, warning, wrong } from "./check.ts";
import type { Database } from "./database.ts";
import { readRow } from "./sql-row.ts";

/** Creates a check of these states of the server, which each of the sidecar's statements checks as well. */
function stateCheck(id: string, title: string, names: readonly string[], good: string): Check<Database> {
  return { id, title, examine: (database) => judgeStates(database, names, good) };
}

async function judgeStates(
  { run, dialect }: Database,
  names: readonly string[],
  good: string,
): Promise<Verdict> {
  const states = dialect.unfitStates().filter(({ name }) => names.includes(name));
  const columns = { unfit: nullableText };
  const { unfit } = await readRow(run, columns, `SELECT ${unfitExpression(states)} AS unfit`);
  const state = states.find(({ name }) => name === unfit);
  if (state === undefined) return fine(good);
  const { failure, command } = state;
  if (failure.meaning === "replica") return wrong(failure.reason, whereToWrite(command));
  return wrong(failure.reason, command ?? failure.fix);
}

/** Writes to a replica that also accepts them would be lost to its primary, so that fix comes second. */
function whereToWrite(command: string | null): readonly Fix[] {
  const primary = "mysql://<user>:<password>@<the primary>/<database>";
  return [
    fixWhen("If the server is a replica", setting("DATABASE_URL", primary)),
    ...(command === null ? [] : [fixWhen("If the server is the primary", sql(command))]),
  ];
}

const autocommit: Check<Database> = {
  id: "database.autocommit",
  title: "autocommit",
  async examine(database) {
    const states = ["autocommit", "transaction"];
    const verdict = await judgeStates(database, states, "on, so that each statement is committed");
    if (verdict.status === "fine") return verdict;
    const { withAutocommit, initially } = await readRow(
      database.run,
      { withAutocommit: Type.Number(), initially: Type.String() },
      "SELECT @@global.autocommit + 0 AS withAutocommit, @@global.init_connect AS initially",
    );
    if (withAutocommit === 0) return verdict;
    const others = initially.split(";").filter((statement) => !/autocommit/i.test(statement));
    const kept = others.join(";").trim().replaceAll("\\", "\\\\").replaceAll("'", "''");
    return wrong("init_connect switches autocommit off", `SET GLOBAL init_connect = '${kept}';`);
  },
};

const durability: Check<Database> = {
  id: "database.durability",
  title: "durability",
  async examine({ run }) {
    const query = "SELECT @@global.innodb_flush_log_at_trx_commit + 0 AS flush";
    const { flush } = await readRow(run, { flush: Type.Number() }, query);
    if (flush !== 0) return fine("committed data survives a crash of the server");
    return warning(
      "innodb_flush_log_at_trx_commit is 0, so a crash of the server loses up to a second of what was committed",
      "SET GLOBAL innodb_flush_log_at_trx_commit = 1;",
    );
  },
};

const engineColumns = { engine: nullableText, commits: nullableText };

/** Returns a row of NULL if there is no such table. */
const engineQuery = `
  SELECT max(t.engine) AS engine, max(e.transactions) AS commits
  FROM information_schema.tables t JOIN information_schema.engines e ON e.engine = t.engine
  WHERE t.table_schema = coalesce(?, database()) AND t.table_name = ?`;

const engine: Check<Database> = {
  id: "database.engine",
  title: "storage engine",
  async examine({ run, names, spelling }) {
    const { schema, table } = splitTable(names.table);
    const { engine, commits } = await readRow(run, engineColumns, engineQuery, [schema, table]);
    if (engine === null) return fine("none: the table is not there, or is a view");
    if (commits === "YES") return fine(`${engine} commits and rolls back`);
    const place = quoteTable(names.table, spelling.quote);
    return warning(
      `${engine} knows no transactions: a write that a trigger refuses stays, and a crash can break the table`,
      `ALTER TABLE ${place} ENGINE = InnoDB;`,
    );
  },
};

/** What the sidecar's statements rest on, followed by what only the doctor checks. */
export const mysqlStateChecks: readonly Check<Database>[] = [
  stateCheck(
    "database.primary",
    "primary",
    ["read_only", "super_read_only", "innodb_read_only"],
    "accepts writes",
  ),
  autocommit,
  stateCheck("database.isolation", "isolation", ["uncommitted", "past"], "reads what is committed now"),
  stateCheck("database.character-set", "character set", ["charset"], "utf8mb4, so that values do not change"),
  stateCheck(
    "database.binary-log",
    "binary log",
    ["binlog_format", "sql_log_bin"],
    "off, or records the sidecar's writes in a format that replays them exactly",
  ),
  stateCheck(
    "database.galera",
    "Galera",
    ["wsrep_on", "wsrep_dirty_reads", "wsrep_sync_wait"],
    "off, or each statement waits for what the other nodes have committed",
  ),
  durability,
  engine,
];
