import { type Fix, fixBy, fixWhen, type Step, setting, sql } from "../../fix.ts";
import { areUnique, type RepeatedLoginIds, uniqueFixes } from "../repeated-login-ids.ts";
import { neededPrivileges, quoteTable, type TableFixes, type TableNames } from "./dialect.ts";
import { freeName } from "./free-name.ts";
import type { MysqlColumn, MysqlConstraint } from "./mysql-rows.ts";
import { quote } from "./mysql-spelling.ts";

const text = (value: string) => `'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;

interface Examined {
  readonly names: TableNames;
  readonly account: string;
  readonly isMariaDb: boolean;
  readonly isView: boolean;
  readonly columns: readonly MysqlColumn[];
  readonly constraints: readonly MysqlConstraint[];
  readonly repeats: RepeatedLoginIds | null;
}

export function mysqlFixes(examined: Examined): TableFixes {
  const { names, isView } = examined;
  return {
    addColumn: isView ? [behindTheView] : addColumn(examined),
    widenColumn: isView ? [behindTheView] : widenColumn(examined),
    makeUnique: makeUnique(examined),
    grantTo: (account) => fixBy(grant(names, account)),
  };
}

const behindTheView = fixWhen("Change the column in the table behind the view, then create the view again");

function grant(names: TableNames, account: string): Step {
  return sql(`GRANT ${neededPrivileges(names, quote)} ON ${quoteTable(names.table, quote)} TO ${account};`);
}

/** The account may lack the column, or only the privilege to see it. MariaDB accepts one fix for both. */
function addColumn({ names, account, isMariaDb }: Examined): readonly Fix[] {
  const granted = grant(names, account);
  const add = (unless: string) =>
    sql(
      `ALTER TABLE ${quoteTable(names.table, quote)} ADD COLUMN ${unless}${quote(names.ownIdDataColumn)} TEXT CHARACTER SET utf8mb4;`,
    );
  if (isMariaDb) return fixBy(add("IF NOT EXISTS "), granted);
  return [
    fixWhen("If the table has the column", granted),
    fixWhen("If the table lacks the column", add(""), granted),
  ];
}

/** Changes the column to the longest type, so that nothing is cut off. MODIFY drops whatever it does not repeat. */
function widenColumn({ names, columns, constraints, isMariaDb }: Examined): readonly Fix[] {
  const column = columns.find(({ name }) => name === names.ownIdDataColumn);
  if (column === undefined) return [];
  const collation = column.charset === "utf8mb4" ? ` COLLATE ${column.collation}` : "";
  const definition = `LONGTEXT CHARACTER SET utf8mb4${collation}${attributes(column, isMariaDb)}${checks(column, constraints)}`;
  const modify = sql(
    `ALTER TABLE ${quoteTable(names.table, quote)} MODIFY ${quote(column.name)} ${definition};`,
  );
  return fixBy(...(isBinary(column) ? [strict, modify] : [modify]));
}

/** Without strict mode, bytes that are not valid UTF-8 would be cut off with a mere warning. */
const strict = sql("SET SESSION sql_mode = concat(@@sql_mode, ',STRICT_ALL_TABLES');");
const isBinary = ({ base }: MysqlColumn) => /binary|blob/.test(base);

function attributes({ nullable, byDefault, extra, comment }: MysqlColumn, isMariaDb: boolean): string {
  const expression = isMariaDb || extra.includes("DEFAULT_GENERATED") ? byDefault : text(byDefault ?? "");
  const hasDefault = byDefault !== null && !(isMariaDb && byDefault === "NULL");
  return [
    nullable === "NO" ? " NOT NULL" : "",
    hasDefault ? ` DEFAULT (${expression})` : "",
    extra.includes("INVISIBLE") ? " INVISIBLE" : "",
    comment === "" ? "" : ` COMMENT ${text(comment)}`,
  ].join("");
}

/** A constraint of a single column has the name of the column. The constraint of json must go. */
function checks(column: MysqlColumn, constraints: readonly MysqlConstraint[]): string {
  const kept = constraints.filter(({ name, clause }) => name === column.name && !saysJson(column, clause));
  return kept.map(({ clause }) => ` CHECK (${clause})`).join("");
}

/** In MariaDB, json is LONGTEXT with a constraint that refuses everything else. */
export function isJson(column: MysqlColumn, constraints: readonly MysqlConstraint[]): boolean {
  return constraints.some(({ clause }) => saysJson(column, clause));
}

function saysJson({ name }: MysqlColumn, clause: string): boolean {
  return clause.includes(`json_valid(${quote(name)})`);
}

/**
 * An InnoDB index holds 3,072 bytes of a column, at four bytes a character. MariaDB makes a longer column unique by a
 * hash that a lookup cannot use, so it would read the whole table.
 */
const indexCharactersMax = 768;
const loginIdCharacters = 320;

function makeUnique(examined: Examined): readonly Fix[] {
  const { names, columns, isView, isMariaDb, repeats } = examined;
  const column = columns.find(({ name }) => name === names.loginIdColumn);
  if (column === undefined) return [];
  if (isView) return uniqueBehindView(repeats);
  const table = quoteTable(names.table, quote);
  const name = quote(column.name);
  const isIndexable = column.base === "varchar" && Number(column.characters) <= indexCharactersMax;
  const shorter = `MODIFY ${name} ${loginIdType(column)}${attributes(column, isMariaDb)}, `;
  return uniqueFixes(repeats, {
    index: [
      ...(isIndexable ? [] : [strict]),
      sql(`ALTER TABLE ${table} ${isIndexable ? "" : shorter}ADD UNIQUE (${name});`),
    ],
    among: (condition) => generatedColumn(examined, column, condition),
    notEmpty: `${name} <> ''`,
    partial: null,
  });
}

function uniqueBehindView(repeats: RepeatedLoginIds | null): readonly Fix[] {
  if (repeats !== null && !areUnique(repeats))
    return [fixWhen("Give each login id to one row of the view, or let its WHERE leave the other rows out")];
  return [fixWhen("Name the table behind the view, with a unique index on its login ids")];
}

/**
 * Returns the steps that add a column with the login id in the rows that meet the condition, and NULL in all others.
 * A unique index permits any number of NULLs. In MariaDB the column is invisible, so that the site's INSERT
 * statements without a list of columns keep working. MySQL supports that since 8.0.23.
 */
function generatedColumn(
  { names, account, isMariaDb, columns }: Examined,
  column: MysqlColumn,
  condition: string,
): Step[] {
  const live = { ...names, loginIdColumn: freeName(`${names.loginIdColumn}_of_user`, columns) };
  const added = quote(live.loginIdColumn);
  const value = `GENERATED ALWAYS AS (IF(${condition}, ${quote(column.name)}, NULL))`;
  return [
    sql(
      `ALTER TABLE ${quoteTable(names.table, quote)} ADD COLUMN ${added} ${loginIdType(column)} ${value} VIRTUAL${isMariaDb ? " INVISIBLE" : ""}, ADD UNIQUE (${added});`,
    ),
    grant(live, account),
    setting("USERS_LOGIN_ID_COLUMN", live.loginIdColumn),
  ];
}

/** Returns the column's own type, as long as an index can hold it, with its collation. */
function loginIdType({ base, characters, charset, collation }: MysqlColumn): string {
  const length =
    base === "varchar" && Number(characters) <= indexCharactersMax ? characters : loginIdCharacters;
  return `VARCHAR(${length}) CHARACTER SET ${charset} COLLATE ${collation}`;
}

/** Fixes a server that ignores the character set which connections ask for. */
export const speakUtf8: readonly Fix[] = [
  fixWhen(
    "Until the server restarts",
    sql(
      "SET GLOBAL character_set_server = 'utf8mb4', GLOBAL character_set_client = 'utf8mb4', GLOBAL character_set_connection = 'utf8mb4', GLOBAL character_set_results = 'utf8mb4';",
    ),
  ),
  fixWhen(
    "Permanently, remove skip-character-set-client-handshake from the configuration of the server, or set character-set-server=utf8mb4 there",
  ),
];
