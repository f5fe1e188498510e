import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { nullableText } from "../nullable-text.ts";
import { areUnique, type CountRepeats, noRepeats } from "../repeated-login-ids.ts";
import type { TableProblem } from "../table-problem.ts";
import {
  type ColumnFacts,
  type ColumnKind,
  type RunSql,
  splitTable,
  type TableFacts,
  type TableNames,
} from "./dialect.ts";
import { isJson, mysqlFixes, speakUtf8 } from "./mysql-fixes.ts";
import { type MysqlColumn, MysqlColumns, MysqlConstraints } from "./mysql-rows.ts";
import { currentAccount, quote } from "./mysql-spelling.ts";
import { stateVariables } from "./mysql-unfit-states.ts";

const numberTypes = new Set([
  "tinyint",
  "smallint",
  "mediumint",
  "int",
  "bigint",
  "decimal",
  "float",
  "double",
]);
const textTypes = new Set(["varchar", "tinytext", "text", "mediumtext", "longtext"]);

/** A statement without its own limit would be cut off by the server's `sql_select_limit`. */
const uncut = "LIMIT 65536";

const columnsQuery = `
  SELECT column_name AS name, column_type AS type, data_type AS base, character_set_name AS charset,
         CAST(character_maximum_length AS CHAR) AS characters, CAST(character_octet_length AS CHAR) AS bytes,
         collation_name AS collation, is_nullable AS nullable, column_default AS byDefault, extra AS extra,
         column_comment AS comment
  FROM information_schema.columns WHERE table_schema = ? AND table_name = ? ${uncut}`;

const serverQuery = `
  SELECT version() AS version, @@global.time_zone AS timeZone, ${currentAccount} AS account,
         concat_ws(' ', @@character_set_client, @@character_set_connection, @@character_set_results) AS spoken`;

/** Without the privilege SHOW VIEW, the account sees no more of a view than this. */
const viewQuery = `
  SELECT is_updatable AS isUpdatable FROM information_schema.views
  WHERE table_schema = ? AND table_name = ?`;

/** Returns nothing for a view, because the server does not show which table is behind it. */
const transactionsQuery = `
  SELECT e.transactions AS transactions
  FROM information_schema.tables t JOIN information_schema.engines e ON e.engine = t.engine
  WHERE t.table_schema = ? AND t.table_name = ? ${uncut}`;

const uniqueColumnsQuery = `
  SELECT min(column_name) AS name
  FROM information_schema.statistics
  WHERE table_schema = ? AND table_name = ? AND non_unique = 0
  GROUP BY index_name HAVING count(*) = 1 AND count(sub_part) = 0 AND count(column_name) = 1 ${uncut}`;

const tablesQuery = `
  SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? ${uncut}`;

/** MariaDB only. Constraints are shown only to accounts that may change more than single columns. */
const constraintsQuery = `
  SELECT constraint_name AS name, check_clause AS clause FROM information_schema.check_constraints
  WHERE constraint_schema = ? AND table_name = ? ${uncut}`;

const ofState = `variable_name IN ('${stateVariables.join("', '")}')`;
const variablesQuery = `SHOW VARIABLES WHERE ${ofState}`;
const mariadbVariablesQuery = `
  SELECT lower(variable_name) AS Variable_name FROM information_schema.system_variables WHERE ${ofState} ${uncut}`;

const ServerFacts = Type.Tuple([
  Type.Object({
    version: Type.String(),
    timeZone: Type.String(),
    spoken: Type.String(),
    account: Type.String(),
  }),
]);
const Views = Type.Array(Type.Object({ isUpdatable: Type.String() }));
const Transactions = Type.Array(Type.Object({ transactions: nullableText }));
const Names = Type.Array(Type.Object({ name: Type.String() }));
const Variables = Type.Array(Type.Object({ Variable_name: Type.String() }));

export interface Server {
  readonly isMariaDb: boolean;
  readonly timeZone: string;
  /** Which of `stateVariables` the server has. */
  readonly variables: ReadonlySet<string>;
}

/**
 * Describes the table as the information schema shows it to this account, and finds out which server this is.
 * `database` is the one in the address. A connection may be in another database, since `init_connect` can contain a
 * USE.
 */
export async function inspectMysql(
  run: RunSql,
  names: TableNames,
  database: string,
  count: CountRepeats,
): Promise<Server & { facts: TableFacts }> {
  const [server] = Value.Parse(ServerFacts, [...(await run(serverQuery))]);
  const { account, spoken, timeZone } = server;
  const isMariaDb = server.version.includes("MariaDB");
  const { schema, table } = splitTable(names.table);
  const place = [schema ?? database, table];
  const { columns, constraints, unique, ...kind } = await readTable(run, place, isMariaDb);
  const { isView } = kind;
  const fullName = place.map(quote).join(".");
  const loginId = columns.find(({ name }) => name === names.loginIdColumn);
  const isCounted = loginId !== undefined && textTypes.has(loginId.base) && !unique.includes(loginId.name);
  const repeats = isCounted ? await countIn(isView, count, fullName, loginId.name) : noRepeats;
  const facts: TableFacts = {
    ...kind,
    fullName,
    columns: columns.map((column) => describe(column, isJson(column, constraints))),
    confirmsUpdates: false,
    // The server reveals nothing about the table behind a view, so the only evidence is that no login id occurs twice
    // now.
    uniqueColumns: isView && loginId !== undefined && areUnique(repeats) ? [loginId.name] : unique,
    repeats,
    tables: columns.length > 0 ? [] : await listNames(run, tablesQuery, [schema ?? database]),
    hidesForbidden: true,
    account,
    otherProblems: columns.length > 0 ? connectionProblems(spoken) : [],
    fixes: mysqlFixes({ names, account, isMariaDb, isView, columns, constraints, repeats }),
  };
  return { isMariaDb, timeZone, variables: await readVariables(run, isMariaDb), facts };
}

async function readTable(run: RunSql, place: readonly string[], isMariaDb: boolean) {
  const [view] = Value.Parse(Views, await run(viewQuery, place));
  const [engine] = Value.Parse(Transactions, await run(transactionsQuery, place));
  return {
    columns: Value.Parse(MysqlColumns, await run(columnsQuery, place)),
    constraints: isMariaDb ? Value.Parse(MysqlConstraints, await run(constraintsQuery, place)) : [],
    /** The columns that have a unique index of their own. */
    unique: await listNames(run, uniqueColumnsQuery, place),
    isView: view !== undefined,
    isUpdatable: view === undefined || view.isUpdatable === "YES",
    rollsBack: engine?.transactions === "YES",
  };
}

async function listNames(run: RunSql, query: string, parameters: readonly string[]): Promise<string[]> {
  return Value.Parse(Names, await run(query, parameters)).map(({ name }) => name);
}

/** Returns which of `stateVariables` the server has. */
async function readVariables(run: RunSql, isMariaDb: boolean): Promise<ReadonlySet<string>> {
  const rows = await run(isMariaDb ? mariadbVariablesQuery : variablesQuery);
  return new Set(Value.Parse(Variables, rows).map(({ Variable_name }) => Variable_name));
}

/** For a table, the counts only help to explain what prevents an index. A view is judged by them. */
function countIn(isView: boolean, count: CountRepeats, table: string, loginId: string) {
  const counted = count(table, quote(loginId));
  return isView ? counted : counted.catch(() => null);
}

function describe(column: MysqlColumn, isJsonText: boolean): ColumnFacts {
  return {
    name: column.name,
    type: isJsonText ? "json" : column.type,
    kind: isJsonText ? "other" : kindOf(column),
    capacity: capacityOf(column),
    unicode: column.charset === "utf8mb4",
    nullable: column.nullable === "YES",
  };
}

/** `BOOLEAN` is another name for `tinyint(1)`, and object-relational mappers use `bit(1)` for it. */
function kindOf({ base, type }: MysqlColumn): ColumnKind {
  if (type === "tinyint(1)" || type === "bit(1)") return "boolean";
  if (base === "uuid" || base === "enum") return "symbol";
  if (textTypes.has(base)) return "text";
  if (base === "char") return "padded text";
  return numberTypes.has(base) || base === "bit" ? "number" : "other";
}

function capacityOf({ base, characters, bytes }: MysqlColumn): ColumnFacts["capacity"] {
  if (base === "varchar" || base === "char") return { amount: Number(characters), unit: "characters" };
  return bytes === null ? null : { amount: Number(bytes), unit: "bytes" };
}

/** With `skip-character-set-client-handshake`, everything but ASCII would be stored as something else. */
function connectionProblems(spoken: string): TableProblem[] {
  if (spoken.split(" ").every((charset) => charset === "utf8mb4")) return [];
  const detail = `the server makes every connection speak ${spoken.split(" ")[0]}, so values would change`;
  return [{ variable: "DATABASE_URL", detail, fixes: speakUtf8 }];
}
