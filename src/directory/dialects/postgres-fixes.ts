import { command, type Fix, fixBy, fixWhen, type Step, setting, shellWord, sql } from "../../fix.ts";
import { type RepeatedLoginIds, uniqueFixes } from "../repeated-login-ids.ts";
import { neededPrivileges, quoteTable, splitTable, type TableFixes, type TableNames } from "./dialect.ts";
import { freeName } from "./free-name.ts";
import type { PostgresColumn, PostgresDatabase } from "./postgres-rows.ts";
import { quote } from "./postgres-spelling.ts";

interface Examined {
  readonly names: TableNames;
  readonly database: PostgresDatabase;
  readonly columns: readonly PostgresColumn[];
  readonly repeats: RepeatedLoginIds | null;
  readonly partial: string | null;
}

export function postgresFixes(examined: Examined): TableFixes {
  const { names, database, columns } = examined;
  const table = quoteTable(names.table, quote);
  const add = sql(`ALTER TABLE ${table} ADD COLUMN ${quote(names.ownIdDataColumn)} text;`);
  return {
    addColumn: isView(columns) ? [behindTheView] : fixBy(add, ...grant(names, database.account)),
    widenColumn: widenColumn(examined),
    makeUnique: makeUnique(examined),
    grantTo: (account) => fixBy(...grant(names, account)),
  };
}

function isView(columns: readonly PostgresColumn[]): boolean {
  return columns.some(({ relation }) => relation === "v");
}

const behindTheView = fixWhen("Change the column in the table behind the view, then create the view again");

function grant(names: TableNames, account: string): Step[] {
  const { schema } = splitTable(names.table);
  const enter = schema === null ? [] : [sql(`GRANT USAGE ON SCHEMA ${quote(schema)} TO ${account};`)];
  const table = quoteTable(names.table, quote);
  return [...enter, sql(`GRANT ${neededPrivileges(names, quote)} ON ${table} TO ${account};`)];
}

/** NOT NULL and DEFAULT of the column itself stay when its type changes. Those of a domain would be lost. */
function widenColumn({ names, database, columns }: Examined): readonly Fix[] {
  const column = columns.find(({ name }) => name === names.ownIdDataColumn);
  if (column === undefined) return [];
  const fitsInUtf8 =
    (column.base === "text" || column.base === "varchar") && (column.characters ?? 5000) >= 5000;
  if (database.encoding !== "UTF8" && fitsInUtf8) return moveToUtf8(database);
  if (isView(columns)) return [behindTheView];
  if (column.isUsedByOthers) return copyColumn({ names, database, columns }, column);
  const name = quote(column.name);
  const using = column.base === "bytea" ? ` USING convert_from(${name}, 'UTF8')` : "";
  const changes = [
    `ALTER COLUMN ${name} TYPE text${using}`,
    ...(column.isNotNullByDomain ? [`ALTER COLUMN ${name} SET NOT NULL`] : []),
    ...(column.defaultByDomain === null
      ? []
      : [`ALTER COLUMN ${name} SET DEFAULT ${column.defaultByDomain}`]),
  ];
  return fixBy(sql(`ALTER TABLE ${quoteTable(names.table, quote)} ${changes.join(", ")};`));
}

/** A view, a rule, a trigger or a policy prevents the type from changing, so the values get a new column. */
function copyColumn(
  { names, database, columns }: Pick<Examined, "names" | "database" | "columns">,
  column: PostgresColumn,
): readonly Fix[] {
  const table = quoteTable(names.table, quote);
  const added = { ...names, ownIdDataColumn: freeName(`${column.name}_text`, columns) };
  const [from, to] = [quote(column.name), quote(added.ownIdDataColumn)];
  const value = column.base === "bytea" ? `convert_from(${from}, 'UTF8')` : `${from}::text`;
  return fixBy(
    sql(`ALTER TABLE ${table} ADD COLUMN ${to} text;`),
    sql(`UPDATE ${table} SET ${to} = ${value};`),
    ...grant(added, database.account),
    setting("USERS_OWNID_DATA_COLUMN", added.ownIdDataColumn),
  );
}

/** The encoding of a database is fixed when it is created. */
function moveToUtf8({ database, collate, ctype }: PostgresDatabase): readonly Fix[] {
  const moved = `${database}_utf8`;
  const inUtf8 = (locale: string) =>
    `'${locale.replace(/(\.[^@]*)?(@.*)?$/, isPlain(locale) ? "" : ".UTF-8$2")}'`;
  const create = `CREATE DATABASE ${quote(moved)} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE ${inUtf8(collate)} LC_CTYPE ${inUtf8(ctype)};`;
  const copy = `pg_dump ${shellWord(database)} | psql --quiet --set ON_ERROR_STOP=1 ${shellWord(moved)}`;
  return [
    fixWhen(
      `The encoding of a database cannot change: copy it to one in UTF-8 while nothing writes, as the account postgres, and name that one in DATABASE_URL`,
      sql(create),
      command("database", copy),
    ),
  ];
}

/** These two locales are valid for every encoding. */
const isPlain = (locale: string) => locale === "C" || locale === "POSIX";

function makeUnique({ names, database, columns, repeats, partial }: Examined): readonly Fix[] {
  const table = quoteTable(names.table, quote);
  const column = quote(names.loginIdColumn);
  if (isView(columns)) {
    const index = sql(
      "CREATE UNIQUE INDEX ON <the table> (<its login id column>) WHERE <the condition of the view>;",
    );
    return [
      fixWhen(
        "Make the login ids unique in the table behind the view, at least those that the view shows",
        index,
      ),
    ];
  }
  if (columns.some((column) => column.relation !== "r" || column.hasDescendants)) {
    return [
      fixWhen(
        "Name a table whose login ids one unique index covers: that of a table does not reach tables that inherit from it, and that of a partitioned one has to contain the partition key",
      ),
    ];
  }
  return uniqueFixes(repeats, {
    index: [sql(`CREATE UNIQUE INDEX ON ${table} (${column});`)],
    among: (condition) => viewOf(names, database.account, condition, partial === null),
    notEmpty: `${column} <> ''`,
    partial,
  });
}

/** The view has no more columns than the sidecar reads, so that the site can change its other columns. */
function viewOf(names: TableNames, account: string, condition: string, isIndexMissing: boolean): Step[] {
  const table = quoteTable(names.table, quote);
  const live = { ...names, table: `${names.table}_with_login` };
  const view = quoteTable(live.table, quote);
  const columns = [names.loginIdColumn, names.ownIdDataColumn, names.blockedColumn].filter(
    (name) => name !== null,
  );
  const index = `CREATE UNIQUE INDEX ON ${table} (${quote(names.loginIdColumn)}) WHERE ${condition};`;
  return [
    ...(isIndexMissing ? [sql(index)] : []),
    sql(`CREATE VIEW ${view} AS SELECT ${columns.map(quote).join(", ")} FROM ${table} WHERE ${condition};`),
    ...grant(live, account),
    setting("USERS_TABLE", live.table),
  ];
}
