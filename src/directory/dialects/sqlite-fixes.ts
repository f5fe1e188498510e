import { dirname } from "node:path";
import { grantAccess, may } from "../../files/file-access.ts";
import { type Fix, fixBy, fixWhen, type Step, setting, sql } from "../../fix.ts";
import { type RepeatedLoginIds, uniqueFixes } from "../repeated-login-ids.ts";
import { quoteTable, splitTable, type TableFixes, type TableNames } from "./dialect.ts";
import { freeName } from "./free-name.ts";
import { quote } from "./sqlite-spelling.ts";

interface Examined {
  readonly names: TableNames;
  readonly isView: boolean;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** `null` or empty if the database is not in a file. */
  readonly file: string | null;
  /** The SQL that created the table and its indexes. */
  readonly definitions: readonly { readonly name: string; readonly sql: string }[];
  /** A unique index over some of the login ids. */
  readonly partial: string | null;
  readonly repeats: RepeatedLoginIds | null;
}

export function sqliteFixes(examined: Examined): TableFixes {
  const { names, isView, file } = examined;
  const add = `ALTER TABLE ${quoteTable(names.table, quote)} ADD COLUMN ${quote(names.ownIdDataColumn)} TEXT;`;
  return {
    addColumn: isView ? [nameTheTable] : fixBy(sql(add)),
    widenColumn: isView ? [nameTheTable] : copyColumn(examined),
    makeUnique: isView ? [nameTheTable] : makeUnique(examined),
    grantTo: () => openFile(file),
  };
}

/** SQLite does not count a row that a trigger of a view has changed, so a write through it could not be confirmed. */
const nameTheTable = fixWhen(
  "Name the table behind the view; SQLite does not say whether an UPDATE through a view was done",
);

/** SQLite cannot change the type of a column, so the values get a new column. */
function copyColumn({ names, columns }: Examined): readonly Fix[] {
  const table = quoteTable(names.table, quote);
  const added = freeName(`${names.ownIdDataColumn}_text`, columns);
  return fixBy(
    sql(`ALTER TABLE ${table} ADD COLUMN ${quote(added)} TEXT;`),
    sql(`UPDATE ${table} SET ${quote(added)} = CAST(${quote(names.ownIdDataColumn)} AS TEXT);`),
    setting("USERS_OWNID_DATA_COLUMN", added),
  );
}

function makeUnique(examined: Examined): readonly Fix[] {
  const { names, repeats, partial, definitions } = examined;
  const condition = definitions.find(({ name }) => name === partial)?.sql.replace(/^.*?\)\s*WHERE\s+/is, "");
  return uniqueFixes(repeats, {
    index: [uniqueIndex(names, names.loginIdColumn, definitions)],
    among: (rows) => generatedColumn(examined, rows),
    notEmpty: `${quote(names.loginIdColumn)} <> ''`,
    partial: condition ?? null,
  });
}

function uniqueIndex(names: TableNames, column: string, definitions: Examined["definitions"]): Step {
  const { schema, table } = splitTable(names.table);
  const name = freeName(`${table}_${column}`, definitions);
  const index = `${schema === null ? "" : `${quote(schema)}.`}${quote(name)}`;
  return sql(`CREATE UNIQUE INDEX ${index} ON ${quote(table)} (${quote(column)});`);
}

/**
 * Returns the steps that add a column with the login id in the rows that meet the condition, and NULL in all others.
 * A unique index permits any number of NULLs.
 */
function generatedColumn({ names, columns, definitions }: Examined, condition: string): Step[] {
  const added = freeName(`${names.loginIdColumn}_of_user`, columns);
  const collation = collationOf(names.loginIdColumn, definitions);
  const value = `GENERATED ALWAYS AS (CASE WHEN ${condition} THEN ${quote(names.loginIdColumn)} END) VIRTUAL`;
  return [
    sql(
      `ALTER TABLE ${quoteTable(names.table, quote)} ADD COLUMN ${quote(added)} TEXT${collation} ${value};`,
    ),
    uniqueIndex(names, added, definitions),
    setting("USERS_LOGIN_ID_COLUMN", added),
  ];
}

/** SQLite shows the collation of a column only in the CREATE TABLE statement. */
function collationOf(column: string, definitions: Examined["definitions"]): string {
  const name = column.replaceAll(/[^\p{L}\p{N}_]/gu, "\\$&");
  const declared = new RegExp(`[(,\\s"\`[]${name}["\`\\]]?\\s[^,]*?\\bCOLLATE\\s+"?(\\w+)`, "iu");
  const table = definitions.find(({ sql }) => /^\s*CREATE\s+TABLE/i.test(sql));
  const collation = declared.exec(table?.sql ?? "")?.[1];
  return collation === undefined ? "" : ` COLLATE ${collation}`;
}

function openFile(file: string | null): readonly Fix[] {
  const closed = file ? [file, dirname(file)].filter((path) => !may("write", path)) : [];
  const steps = closed.flatMap((path) => grantAccess("write", path));
  if (steps.length > 0) return fixBy(...steps);
  return [fixWhen("Let the account that runs the sidecar write the file and its folder")];
}
