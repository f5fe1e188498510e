import type { ColumnValue, SessionUser } from "../coherence/user-directory.ts";
import type { ClaimColumn } from "../config/session-claims.ts";
import { SessionRowUnfit } from "../errors.ts";

export interface SubjectRules {
  /** `SESSION_SUBJECT_COLUMN`; `null` means that the login id is the subject. */
  readonly subjectColumn: string | null;
  /** `SESSION_CLAIMS`. */
  readonly claims: readonly ClaimColumn[];
}

export type Claims = Readonly<Record<string, unknown>>;

/** Who a session is for, in the site's terms. */
export interface Subject {
  readonly subject: string;
  /** The claims of `SESSION_CLAIMS` whose columns are not NULL. */
  readonly claims: Claims;
}

export type SubjectUser = Pick<SessionUser, "loginId" | "columns">;

/** The same limit as for a login id. */
const subjectCharactersMax = 320;
/** Browsers keep 4,096 bytes of a cookie, and base64, the signature and the other claims need their share. */
const claimsBytesMax = 2048;

/**
 * Returns who a session is for, from the user's row.
 *
 * @throws {SessionRowUnfit} there is no subject, or a value does not fit into a token
 */
export function subjectOf({ loginId, columns }: SubjectUser, rules: SubjectRules): Subject {
  const { subjectColumn } = rules;
  const subject =
    subjectColumn === null ? loginId : readSubject(columnOf(columns, subjectColumn), subjectColumn);
  return { subject, claims: readClaims(columns, rules.claims) };
}

function columnOf(columns: SubjectUser["columns"], name: string): ColumnValue {
  const value = columns.get(name);
  if (value === undefined) throw new Error("the row was read without a column that sessions need");
  return value;
}

function readSubject({ text }: ColumnValue, column: string): string {
  const unfit = (what: string) => new SessionRowUnfit(`column "${column}" of SESSION_SUBJECT_COLUMN ${what}`);
  if (text === null || text === "") throw unfit("is empty for a user");
  if ([...text].length > subjectCharactersMax)
    throw unfit(`holds more than ${subjectCharactersMax} characters`);
  if (/\p{Cc}/u.test(text)) throw unfit("holds a control character");
  // A driver puts U+FFFD where bytes are not UTF-8, so that two users could have the same subject.
  if (text.includes("\uFFFD"))
    throw unfit("holds the character U+FFFD, which stands for bytes that are no text");
  return text;
}

function readClaims(columns: SubjectUser["columns"], rules: readonly ClaimColumn[]): Claims {
  if (rules.length === 0) return {};
  const claims = Object.fromEntries(
    rules.flatMap(({ claim, column }) => {
      const { kind, text } = columnOf(columns, column);
      return text === null ? [] : [[claim, readers[kind](text, column)] as const];
    }),
  );
  if (Buffer.byteLength(JSON.stringify(claims)) > claimsBytesMax)
    throw new SessionRowUnfit(
      `the claims of SESSION_CLAIMS take more than ${claimsBytesMax} bytes for a user`,
    );
  return claims;
}

type ReadValue = (text: string, column: string) => string | number | boolean;

const readers: Readonly<Record<ColumnValue["kind"], ReadValue>> = {
  text: (text) => text,

  /** A number that a double would round is refused, because a verifier would read another one. */
  number(text, column) {
    const number = Number(text);
    const isExact =
      /^-?\d/.test(text) &&
      digitsOf(text) === digitsOf(String(number)) &&
      (Number.isSafeInteger(number) || !/^-?\d+$/.test(text));
    if (isExact) return number;
    throw new SessionRowUnfit(
      `column "${column}" of SESSION_CLAIMS holds a number that JSON cannot carry exactly; name a column that has it as a text`,
    );
  },

  boolean(text, column) {
    if (text === "true" || text === "false") return text === "true";
    if (/^-?\d+$/.test(text)) return Number(text) !== 0;
    throw new SessionRowUnfit(`column "${column}" of SESSION_CLAIMS holds something other than a boolean`);
  },
};

/** Returns the significant digits, without sign, point, exponent and surrounding zeros. */
function digitsOf(number: string): string {
  return number
    .replace(/e.*/i, "")
    .replaceAll(/[-.]/g, "")
    .replaceAll(/^0+|0+$/g, "");
}
