import { distance } from "fastest-levenshtein";
import type { ColumnFacts, Dialect, TableFacts, TableNames } from "./dialects/dialect.ts";

/** OwnID's documentation asks for a character column of at least this length. */
const ownIdDataCharactersMin = 5000;

/**
 * What keeps the configured table from doing the work, each as one sentence that begins with the variable
 * to change and ends with the SQL that mends it. Empty when nothing does.
 */
export function findTableProblems(names: TableNames, facts: TableFacts, dialect: Dialect): string[] {
  if (facts.columns.length === 0) {
    const guess = nearest(names.table, facts.tables);
    const missingTable = `USERS_TABLE: ${dialect.name} has no table "${names.table}" that this account may see.`;
    return [missingTable + guess, ...facts.otherProblems];
  }
  return [
    ...facts.otherProblems,
    ...loginIdProblems(names, facts, dialect),
    ...ownIdDataProblems(names, facts, dialect),
    ...blockedProblems(names, facts),
  ];
}

function loginIdProblems(names: TableNames, facts: TableFacts, dialect: Dialect): string[] {
  const variable = "USERS_LOGIN_ID_COLUMN";
  const column = columnOf(facts, names.loginIdColumn);
  if (column === null) return [missing(variable, names.loginIdColumn, names, facts)];
  if (column.kind !== "text" && column.kind !== "padded text") {
    return [
      `${variable}: column "${column.name}" is ${column.type}, not a character type. Name the text column.`,
    ];
  }
  if (!facts.uniqueColumns.includes(column.name)) {
    const mend = dialect.mend.addUniqueIndex(names);
    return [
      `${variable}: column "${column.name}" is not unique, so one login id could mean two users: ${mend}`,
    ];
  }
  return [];
}

function ownIdDataProblems(names: TableNames, facts: TableFacts, dialect: Dialect): string[] {
  const variable = "USERS_OWNID_DATA_COLUMN";
  const column = columnOf(facts, names.ownIdDataColumn);
  if (column === null) {
    const add = ` Or add it: ${dialect.mend.addColumn(names)}`;
    return [missing(variable, names.ownIdDataColumn, names, facts) + add];
  }
  const mend = dialect.mend.widenColumn(names);
  const is = `${variable}: column "${column.name}" is ${column.type}`;
  if (column.kind === "padded text")
    return [`${is}, which pads or cuts blanks, so values would change: ${mend}`];
  if (column.kind !== "text") return [`${is}, not a character type: ${mend}`];
  if (column.capacity !== null && column.capacity.amount < ownIdDataCharactersMin) {
    return [`${is}; ownIdData needs ${ownIdDataCharactersMin} characters at least: ${mend}`];
  }
  if (!column.unicode)
    return [`${is} in a character set without all of Unicode, so values would change: ${mend}`];
  return [];
}

function blockedProblems(names: TableNames, facts: TableFacts): string[] {
  if (names.blockedColumn === null) return [];
  const variable = "USERS_BLOCKED_COLUMN";
  const column = columnOf(facts, names.blockedColumn);
  if (column === null) return [missing(variable, names.blockedColumn, names, facts)];
  if (column.kind !== "boolean" && column.kind !== "number") {
    return [`${variable}: column "${column.name}" is ${column.type}. Name a boolean or number column.`];
  }
  return [];
}

function columnOf(facts: TableFacts, name: string): ColumnFacts | null {
  return facts.columns.find((column) => column.name === name) ?? null;
}

function missing(variable: string, name: string, names: TableNames, facts: TableFacts): string {
  const guess = nearest(
    name,
    facts.columns.map((column) => column.name),
  );
  return `${variable}: table "${names.table}" has no column "${name}" that this account may see.${guess}`;
}

/** The likeliest intended name: the same letters in another case first (Postgres folds unquoted names). */
function nearest(name: string, candidates: readonly string[]): string {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");
  const ranked = candidates
    .map((candidate) => ({ candidate, edits: distance(plain(name), plain(candidate)) }))
    .sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  if (best === undefined || best.edits > Math.max(2, name.length / 3)) return "";
  return ` Did you mean "${best.candidate}"?`;
}
