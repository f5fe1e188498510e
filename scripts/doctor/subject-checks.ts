import { quoteTable } from "../../src/directory/dialects/dialect.ts";
import { fixWhen, sql } from "../../src/fix.ts";
import { counted } from "../quantities.ts";
import { type Check, fine, wrong } from "./check.ts";
import type { Database } from "./database.ts";
import { countRows } from "./sql-row.ts";

/** Checks the users' subjects if they are not their login ids and their column exists. */
export function subjectChecks({ names, facts }: Database): readonly Check<Database>[] {
  const subject = names.session?.subject ?? null;
  const isThere = facts.columns.some(({ name }) => name === subject);
  return subject !== null && isThere ? [present(subject), unique(subject)] : [];
}

function present(subject: string): Check<Database> {
  return {
    id: "subjects.present",
    title: "present",
    isScan: true,
    async examine(database) {
      const { column, from } = partsOf(database, subject);
      const isEmpty = `${column} IS NULL OR ${database.spelling.characters(textOf(database, subject))} = 0`;
      const n = await countRows(database, `SELECT 1 AS one ${from} WHERE ${isEmpty}`);
      if (n === 0) return fine("every user has one");
      return wrong(
        `${counted(n, "user has", "users have")} none in column "${subject}", and so cannot log in`,
        [
          fixWhen(
            "Give each of these users a subject",
            sql(`SELECT ${loginIdOf(database)} ${from} WHERE ${isEmpty};`),
          ),
        ],
      );
    },
  };
}

/** A view does not reveal which of its columns are unique. */
function unique(subject: string): Check<Database> {
  return {
    id: "subjects.unique",
    title: "unique",
    isScan: true,
    async examine(database) {
      const { column, from } = partsOf(database, subject);
      const each = `SELECT ${column} AS subject, count(*) AS users ${from} WHERE ${column} IS NOT NULL GROUP BY ${column} HAVING count(*) > 1`;
      const n = await countRows(database, each);
      if (n === 0) return fine("no two users have the same");
      return wrong(
        `${counted(n, "subject belongs", "subjects belong")} to several users, who are one user to your backend`,
        [
          fixWhen(
            "Name a unique column in SESSION_SUBJECT_COLUMN, or give each user another subject",
            sql(`${each};`),
          ),
        ],
      );
    },
  };
}

function partsOf({ names, spelling }: Database, subject: string) {
  const { quote } = spelling;
  return { column: `u.${quote(subject)}`, from: `FROM ${quoteTable(names.table, quote)} AS u` };
}

function loginIdOf({ names, spelling }: Database): string {
  return `u.${spelling.quote(names.loginIdColumn)}`;
}

function textOf({ spelling }: Database, subject: string): string {
  return spelling.text(`u.${spelling.quote(subject)}`);
}
