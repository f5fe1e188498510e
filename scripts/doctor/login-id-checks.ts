import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { quoteTable } from "../../src/directory/dialects/dialect.ts";
import { type Fix, fixWhen, setting, sql } from "../../src/fix.ts";
import { counted } from "../quantities.ts";
import { type Check, fine, warning, wrong } from "./check.ts";
import type { Database } from "./database.ts";
import { countRows } from "./sql-row.ts";

/**
 * The databases judge login ids in ASCII. Up to this many others are read and judged here, because databases differ in
 * how they treat Unicode.
 */
const nonAsciiMax = 100_000;

const LoginIds = Type.Array(Type.Object({ id: Type.String() }));

const equal: Check<Database> = {
  id: "login-ids.equal",
  title: "equal to the database",
  isScan: true,
  async examine(database) {
    const { loginId, from } = partsOf(database);
    const count = await countRows(
      database,
      `SELECT 1 AS one ${from} WHERE ${loginId} IS NOT NULL GROUP BY ${loginId} HAVING count(*) > 1`,
    );
    if (count === 0) return fine("no two login ids are equal by their column's collation");
    const show = `SELECT ${loginId}, count(*) ${from} GROUP BY ${loginId} HAVING count(*) > 1;`;
    return wrong(
      `${counted(count, "login id")} ${count === 1 ? "finds" : "find"} several rows, which the column's collation considers equal`,
      show,
    );
  },
};

const similar: Check<Database> = {
  id: "login-ids.similar",
  title: "equal to people",
  isScan: true,
  async examine(database) {
    const { from, folded, isAscii } = partsOf(database);
    const inAscii = await countRows(
      database,
      `SELECT 1 AS one ${from} WHERE ${isAscii} GROUP BY ${folded} HAVING count(*) > 1`,
    );
    const others = (await nonAsciiLoginIds(database)).map((id) => id.normalize("NFC").trim().toLowerCase());
    const count = inAscii + repeated(others);
    if (count === 0) return fine("no two differ only in case, blanks or Unicode form");
    const show = `SELECT ${folded}, count(*) ${from} GROUP BY ${folded} HAVING count(*) > 1;`;
    return warning(
      `${counted(count, "login id occurs", "login ids occur")} more than once, in another case, with blanks or in another Unicode form`,
      show,
    );
  },
};

const lowered: Check<Database> = {
  id: "login-ids.lower",
  title: "lower case",
  isScan: true,
  async examine(database) {
    if (database.requests.loginIdCase === "exact") return fine("not required: LOGIN_ID_CASE is exact");
    const { from, lower, exact, isAscii, column } = partsOf(database);
    const inAscii = await countRows(
      database,
      `SELECT 1 AS one ${from} WHERE ${isAscii} AND ${lower} <> ${exact}`,
    );
    const others = await nonAsciiLoginIds(database);
    const count = inAscii + others.filter((id) => id !== id.toLowerCase()).length;
    if (count === 0) return fine("every login id is lower case, as LOGIN_ID_CASE=lower requires");
    const { bytewise, plain, lowered } = database.spelling;
    const isOther = `${bytewise(lowered(column))} <> ${bytewise(plain(column))}`;
    const detail = `${counted(count, "user")} cannot be found, because LOGIN_ID_CASE is lower and their login ids are not in lower case`;
    return wrong(detail, [
      await rewrite(database, "in lower case", lowered(column), isOther),
      fixWhen("If the site does not", setting("LOGIN_ID_CASE", "exact")),
    ]);
  },
};

const trimmed: Check<Database> = {
  id: "login-ids.blanks",
  title: "blanks",
  isScan: true,
  async examine(database) {
    const { loginId, from, column } = partsOf(database);
    const { characters } = database.spelling;
    const hasBlanks = (text: string) => `${characters(`trim(${text})`)} <> ${characters(text)}`;
    const count = await countRows(database, `SELECT 1 AS one ${from} WHERE ${hasBlanks(loginId)}`);
    if (count === 0) return fine("no login id begins or ends with a blank");
    return warning(
      `${counted(count, "login id begins or ends", "login ids begin or end")} with a blank, and is found only with it`,
      [await rewrite(database, "without blanks", `trim(${column})`, hasBlanks(column))],
    );
  },
};

const composed: Check<Database> = {
  id: "login-ids.normalised",
  title: "Unicode form",
  isScan: true,
  async examine(database) {
    const others = await nonAsciiLoginIds(database);
    const count = others.filter((id) => id !== id.normalize("NFC")).length;
    if (count === 0)
      return fine(
        others.length < nonAsciiMax ? "all NFC" : `the first ${nonAsciiMax} that are not ASCII are NFC`,
      );
    const { table, column, loginId, from, isAscii } = partsOf(database);
    const fix =
      database.settings.kind === "postgres"
        ? `UPDATE ${table} SET ${column} = normalize(${column}) WHERE ${column} IS NOT NFC NORMALIZED;`
        : `SELECT ${loginId} ${from} WHERE NOT (${isAscii});   -- store String.prototype.normalize("NFC") of each`;
    return warning(
      `${counted(count, "login id is", "login ids are")} not in the form that browsers send (NFC), so typing finds nobody`,
      fix,
    );
  },
};

export const loginIdChecks: readonly Check<Database>[] = [equal, similar, lowered, trimmed, composed];

/** The parts from which the statements are composed. */
function partsOf({ names, spelling }: Database) {
  const { quote, bytes, characters, bytewise, plain } = spelling;
  const column = quote(names.loginIdColumn);
  const table = quoteTable(names.table, quote);
  const loginId = `u.${column}`;
  return {
    table,
    column,
    loginId,
    from: `FROM ${table} AS u`,
    exact: bytewise(plain(loginId)),
    lower: bytewise(`lower(${plain(loginId)})`),
    folded: bytewise(`lower(trim(${plain(loginId)}))`),
    isAscii: `${bytes(loginId)} = ${characters(loginId)}`,
  };
}

/**
 * Returns a fix that rewrites login ids. They belong to the site, so it must find its users by the new ones, and no two
 * users may get the same one.
 */
async function rewrite(database: Database, how: string, value: string, condition: string): Promise<Fix> {
  const { table, column } = partsOf(database);
  const update = sql(`UPDATE ${table} SET ${column} = ${value} WHERE ${condition};`);
  const count = await countRows(
    database,
    `SELECT 1 AS one FROM ${table} GROUP BY ${value} HAVING count(*) > 1`,
  );
  if (count === 0) return fixWhen(`If the site finds its users ${how} too`, update);
  const each = count === 1 ? "the login id" : `each of the ${counted(count, "login id")}`;
  const decide = `give ${each} that several users would have to one of them, then`;
  return fixWhen(`If the site finds its users ${how} too, ${decide}`, update);
}

async function nonAsciiLoginIds(database: Database): Promise<string[]> {
  const { loginId, from, isAscii } = partsOf(database);
  const rows = await database.scan(
    `SELECT ${loginId} AS id ${from} WHERE NOT (${isAscii}) LIMIT ${nonAsciiMax}`,
  );
  return Value.Parse(LoginIds, rows).map(({ id }) => id);
}

function repeated(texts: readonly string[]): number {
  return Object.values(Object.groupBy(texts, (text) => text)).filter((group) => (group?.length ?? 0) > 1)
    .length;
}
