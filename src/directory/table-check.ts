import { distance } from "fastest-levenshtein";
import { type Fix, fixBy, fixWhen, setting } from "../fix.ts";
import type { ColumnFacts, Dialect, TableFacts, TableNames } from "./dialects/dialect.ts";
import { describeRepeats } from "./repeated-login-ids.ts";
import type { TableProblem } from "./table-problem.ts";

/** OwnID's documentation asks for a character column of at least this length. */
const ownIdDataCharactersMin = 5000;

/** Returns what makes the configured table unsuitable; an empty list if it is suitable. */
export function findTableProblems(names: TableNames, facts: TableFacts, dialect: Dialect): TableProblem[] {
  if (facts.columns.length === 0)
    return facts.otherProblems.length > 0 ? [...facts.otherProblems] : [missingTable(names, facts, dialect)];
  return [
    ...facts.otherProblems,
    ...loginIdProblems(names, facts, dialect),
    ...ownIdDataProblems(names, facts),
    ...blockedProblems(names, facts),
    ...subjectProblems(names, facts),
    ...claimProblems(names, facts),
    ...updateProblems(names, facts),
  ];
}

function missingTable(names: TableNames, facts: TableFacts, { name }: Dialect): TableProblem {
  const seen = facts.hidesForbidden ? " that this account may see" : "";
  const grant = facts.hidesForbidden
    ? onlyIf("If the table is there", facts.fixes.grantTo(facts.account))
    : [];
  return {
    variable: "USERS_TABLE",
    detail: `${name} has no table "${names.table}"${seen}`,
    fixes: orName("USERS_TABLE", "<the table of your users>", [
      ...guess("USERS_TABLE", names.table, facts.tables),
      ...grant,
    ]),
  };
}

function loginIdProblems(names: TableNames, facts: TableFacts, dialect: Dialect): TableProblem[] {
  const variable = "USERS_LOGIN_ID_COLUMN";
  const column = columnOf(facts, names.loginIdColumn);
  if (column === null) return [missingColumn(variable, names.loginIdColumn, names, facts)];
  const problem = (detail: string, fixes: readonly Fix[]) => [{ variable, detail, fixes }];
  if (column.kind !== "text" && column.kind !== "padded text") {
    const detail = `column "${column.name}" is ${column.type}, not a character type`;
    return problem(detail, fixBy(setting(variable, "<the text column of what people log in with>")));
  }
  if (facts.uniqueColumns.includes(column.name)) return [];
  const told = describeRepeats(facts.repeats);
  const detail = facts.isView
    ? `${dialect.name} cannot tell that column "${column.name}" of the view "${names.table}" is unique, so one login id could mean two users${told}`
    : `column "${column.name}" is not unique, so one login id could mean two users${told}`;
  return problem(detail, facts.fixes.makeUnique);
}

function ownIdDataProblems(names: TableNames, { fixes, ...facts }: TableFacts): TableProblem[] {
  const variable = "USERS_OWNID_DATA_COLUMN";
  const column = columnOf(facts, names.ownIdDataColumn);
  if (column === null) {
    return [
      missingColumn(variable, names.ownIdDataColumn, names, { ...facts, fixes }, { toAdd: fixes.addColumn }),
    ];
  }
  const reason = unfitness(column);
  if (reason === null) return [];
  return [
    { variable, detail: `column "${column.name}" is ${column.type}${reason}`, fixes: fixes.widenColumn },
  ];
}

/** Returns why the column cannot hold what OwnID sends, or `null` if it can. */
function unfitness({ kind, capacity, unicode }: ColumnFacts): string | null {
  if (kind === "padded text") return ", which pads or cuts blanks, so values would change";
  if (kind !== "text") return ", not a character type";
  if (capacity !== null && capacity.amount < ownIdDataCharactersMin)
    return `; ownIdData needs ${ownIdDataCharactersMin} characters at least`;
  if (!unicode) return " in a character set without all of Unicode, so values would change";
  return null;
}

function blockedProblems(names: TableNames, facts: TableFacts): TableProblem[] {
  if (names.blockedColumn === null) return [];
  const variable = "USERS_BLOCKED_COLUMN";
  const column = columnOf(facts, names.blockedColumn);
  if (column === null) return [missingColumn(variable, names.blockedColumn, names, facts)];
  if (column.kind === "boolean" || column.kind === "number") return [];
  const detail = `column "${column.name}" is ${column.type}`;
  return [{ variable, detail, fixes: fixBy(setting(variable, "<a boolean or number column>")) }];
}

/** Of a view, the database may not tell which columns are unique. */
function subjectProblems(names: TableNames, facts: TableFacts): TableProblem[] {
  const variable = "SESSION_SUBJECT_COLUMN";
  const name = names.session?.subject ?? null;
  if (name === null) return [];
  const column = columnOf(facts, name);
  if (column === null) return [missingColumn(variable, name, names, facts)];
  const problem = (detail: string) => ({
    variable,
    detail,
    fixes: fixBy(setting(variable, "<a unique column of texts, numbers or UUIDs>")),
  });
  if (column.kind === "boolean" || column.kind === "other")
    return [problem(`column "${name}" is ${column.type}, which names no user`)];
  if (facts.isView || facts.uniqueColumns.includes(name)) return [];
  return [problem(`column "${name}" is not unique, so one subject could mean two users`)];
}

function claimProblems(names: TableNames, facts: TableFacts): TableProblem[] {
  const variable = "SESSION_CLAIMS";
  const claims = names.session?.claims ?? [];
  return claims.flatMap(({ claim, column: name }) => {
    const column = columnOf(facts, name);
    /** The setting as a whole, so that it can be copied. */
    const spell = (other: string) =>
      claims.map((each) => `${each.claim}:${each.claim === claim ? other : each.column}`).join(",");
    if (column === null) return [missingColumn(variable, name, names, facts, { spell })];
    if (column.kind !== "other") return [];
    const detail = `column "${name}" is ${column.type}; a claim is a text, a number or a boolean`;
    return [
      {
        variable,
        detail,
        fixes: fixBy(setting(variable, spell("<another column, or one generated from it>"))),
      },
    ];
  });
}

function updateProblems(names: TableNames, facts: TableFacts): TableProblem[] {
  if (facts.isUpdatable || columnOf(facts, names.ownIdDataColumn) === null) return [];
  const detail = `"${names.table}" takes no UPDATE of column "${names.ownIdDataColumn}" that reaches a table by itself`;
  const plain = "Name a table, or a view that selects columns of one table by a WHERE and nothing else";
  return [{ variable: "USERS_TABLE", detail, fixes: [fixWhen(plain)] }];
}

interface MissingColumnOptions {
  readonly toAdd?: readonly Fix[];
  /** Returns the setting's value that names another column; the column's name unless told otherwise. */
  readonly spell?: (column: string) => string;
}

function missingColumn(
  variable: string,
  name: string,
  names: TableNames,
  facts: TableFacts,
  { toAdd = [], spell = (column) => column }: MissingColumnOptions = {},
): TableProblem {
  const seen = facts.hidesForbidden ? " that this account may see" : "";
  const grant =
    facts.hidesForbidden && toAdd.length === 0
      ? onlyIf("If the table has the column", facts.fixes.grantTo(facts.account))
      : [];
  const columns = facts.columns.map((column) => column.name);
  const guesses = guess(variable, name, columns, spell);
  const added = guesses.length === 0 ? toAdd : onlyIf("If the column is to be new", toAdd);
  return {
    variable,
    detail: `table "${names.table}" has no column "${name}"${seen}`,
    fixes: orName(variable, spell("<the column>"), [...guesses, ...grant, ...added]),
  };
}

function columnOf({ columns }: Pick<TableFacts, "columns">, name: string): ColumnFacts | null {
  return columns.find((column) => column.name === name) ?? null;
}

/** Adds the case in which each fix applies, unless it has one already. */
function onlyIf(when: string, fixes: readonly Fix[]): Fix[] {
  return fixes.map((fix) => ({ ...fix, when: fix.when ?? when }));
}

function orName(variable: string, value: string, fixes: readonly Fix[]): readonly Fix[] {
  return fixes.length > 0 ? fixes : fixBy(setting(variable, value));
}

function guess(
  variable: string,
  name: string,
  candidates: readonly string[],
  spell = (candidate: string) => candidate,
): Fix[] {
  const nearest = nearestTo(name, candidates);
  return nearest === null ? [] : [fixWhen(`If "${nearest}" is meant`, setting(variable, spell(nearest)))];
}

/**
 * Returns the name that was most likely meant. The same letters in another case come first, since Postgres folds
 * unquoted names.
 */
function nearestTo(name: string, candidates: readonly string[]): string | null {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");
  const ranked = candidates
    .map((candidate) => ({ candidate, edits: distance(plain(name), plain(candidate)) }))
    .sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  return best === undefined || best.edits > Math.max(2, name.length / 3) ? null : best.candidate;
}
