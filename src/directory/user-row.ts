import { type Static, Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import type { UserRecord } from "../coherence/user-directory.ts";
import { DatabaseUnavailable, UserUnknown } from "../errors.ts";
import { nullableText } from "./nullable-text.ts";

const servedRow = Type.Object({ readId: Type.String(), unfit: nullableText });
const Served = TypeCompiler.Compile(servedRow);
const Nobody = TypeCompiler.Compile(Type.Object({ loginId: Type.Null() }));
const Row = TypeCompiler.Compile(
  Type.Object({
    loginId: Type.String(),
    ownIdData: nullableText,
    blocked: Type.Union([Type.Boolean(), Type.Number(), Type.String()]),
    databaseTimeMs: Type.Number(),
  }),
);

/** Returns whether each row was made for this read, and was not cached in between. */
export function belongToRead(
  rows: readonly unknown[],
  readId: string,
): rows is readonly Static<typeof servedRow>[] {
  for (const row of rows) if (!Served.Check(row) || row.readId !== readId) return false;
  return true;
}

/** Returns the name of the unfit state in which the server or the connection returned these rows, or `null`. */
export function unfitStateOf(rows: readonly Static<typeof servedRow>[]): string | null {
  for (const { unfit } of rows) if (unfit !== null) return unfit;
  return null;
}

/**
 * Returns the user among the rows that `find` returned for a login id.
 *
 * @throws {UserUnknown} | {DatabaseUnavailable} the login id belongs to several rows
 */
export function pickUser<User extends UserRecord>(
  rows: readonly unknown[],
  loginId: string,
  parse: (row: unknown) => User,
): User {
  const users: User[] = [];
  for (const row of rows) if (!Nobody.Check(row)) users.push(parse(row));
  if (users.length > 1) throw severalUsers();
  const [user] = users;
  if (user === undefined || !differsInCaseAtMost(user.loginId, loginId)) throw new UserUnknown();
  return user;
}

export function severalUsers(): DatabaseUnavailable {
  return new DatabaseUnavailable(
    "the login id column finds several rows for one login id",
    "remove the duplicates, and make the column unique by an index with the column's own collation",
  );
}

/**
 * Many collations consider texts equal that people and mail servers do not: é and e, all emoji, trailing blanks. The
 * owner of `ann@exämple.com` must not become the user `ann@example.com`. Both directions are compared, since the
 * Kelvin sign has the lower case k, but k does not have the upper case Kelvin.
 */
function differsInCaseAtMost(a: string, b: string): boolean {
  return a === b || (a.toLowerCase() === b.toLowerCase() && a.toUpperCase() === b.toUpperCase());
}

export function parseUser(row: unknown): UserRecord {
  if (!Row.Check(row)) throw notText();
  const { loginId, ownIdData, blocked, databaseTimeMs } = row;
  return { loginId, ownIdData, blocked: Number(blocked) !== 0, databaseTimeMs };
}

export function notText(): DatabaseUnavailable {
  return new DatabaseUnavailable("a user's row is not text as its columns promise", "check the table's data");
}
