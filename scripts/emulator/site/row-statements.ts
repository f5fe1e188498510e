import type { TableFacts, TableNames } from "../../../src/directory/dialects/dialect.ts";
import type { Spelling } from "../../../src/directory/dialects/spelling.ts";

export interface RowStatements {
  /** Takes (loginId, ownIdData). */
  readonly insert: string;
  /** Takes (loginId); returns `ownIdData` and `blocked`. */
  readonly find: string;
  /** Takes (subject of a session); returns `loginId`. `null` = the subject is the login id itself. */
  readonly findBySubject: string | null;
  /** Takes (loginId). */
  block(blocked: boolean): string;
}

/** The statements of the site. Values are parameters, and names are quoted. */
export function createRowStatements(
  { quote, parameter, text }: Spelling,
  { loginIdColumn, ownIdDataColumn, blockedColumn, session }: TableNames,
  { fullName, columns }: Pick<TableFacts, "fullName" | "columns">,
): RowStatements {
  const [first, second] = [parameter(1), parameter(2)];
  const loginId = quote(loginIdColumn);
  const ownIdData = quote(ownIdDataColumn);
  const subject = session?.subject ?? null;
  const isBoolean = columns.find(({ name }) => name === blockedColumn)?.kind === "boolean";
  const literal = (blocked: boolean) => (isBoolean ? String(blocked) : String(Number(blocked)));
  const blocked =
    blockedColumn === null ? "0" : `coalesce(${quote(blockedColumn)} <> ${literal(false)}, FALSE)`;
  return {
    insert: `INSERT INTO ${fullName} (${loginId}, ${ownIdData}) VALUES (${first}, ${second})`,
    find: `SELECT ${ownIdData} AS ${quote("ownIdData")}, ${blocked} AS blocked FROM ${fullName} WHERE ${loginId} = ${first}`,
    findBySubject:
      subject === null
        ? null
        : `SELECT ${loginId} AS ${quote("loginId")} FROM ${fullName} WHERE ${text(quote(subject))} = ${first}`,
    block: (isBlocked) =>
      `UPDATE ${fullName} SET ${quote(blockedColumn ?? "")} = ${literal(isBlocked)} WHERE ${loginId} = ${first}`,
  };
}
