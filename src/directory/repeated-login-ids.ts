import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { type Fix, fixBy, fixWhen, type Step } from "../fix.ts";

/** What prevents a unique index. */
export interface RepeatedLoginIds {
  /** The number of login ids that occur in several rows, without the empty one. */
  readonly repeated: number;
  /** The number of rows with an empty login id. */
  readonly empty: number;
}

/** The counts of a column with a unique index. */
export const noRepeats: RepeatedLoginIds = { repeated: 0, empty: 0 };

const Amount = Type.Union([Type.Number(), Type.String()]);
const Counts = Type.Tuple([Type.Object({ repeated: Amount, empty: Amount })]);

/**
 * Counts, given quoted names. Rejects if the account may not read the table, or the count takes longer than a
 * statement may.
 */
export type CountRepeats = (table: string, column: string) => Promise<RepeatedLoginIds>;

/** Counts by reading the whole table. */
export function countRepeatsBy(run: (text: string) => Promise<readonly unknown[]>): CountRepeats {
  return async (table, column) => {
    const each = `SELECT 1 AS one FROM ${table} AS u WHERE u.${column} <> '' GROUP BY u.${column} HAVING count(*) > 1`;
    const rows = await run(`
      SELECT (SELECT count(*) FROM (${each}) AS several) AS repeated,
             (SELECT count(*) FROM ${table} AS u WHERE u.${column} = '') AS empty`);
    const [{ repeated, empty }] = Value.Parse(Counts, [...rows]);
    return { repeated: Number(repeated), empty: Number(empty) };
  };
}

/** A table that is not suitable is examined every second. To read all of it that often would burden the database. */
const countEveryMs = 60_000;

/** Counts at most once a minute. Calls in between return or reject like the last count. */
export function countRarely(count: CountRepeats): CountRepeats {
  let counted: Promise<RepeatedLoginIds> | null = null;
  let countedAtMs = 0;
  return (table, column) => {
    if (counted === null || performance.now() - countedAtMs >= countEveryMs) {
      countedAtMs = performance.now();
      counted = count(table, column);
    }
    return counted;
  };
}

/** Returns whether every login id occurs only once, as far as they could be counted. */
export function areUnique(repeats: RepeatedLoginIds | null): boolean {
  return repeats !== null && repeats.repeated === 0 && repeats.empty <= 1;
}

/** Returns the counts as the end of a sentence, or an empty text if no login id is repeated. */
export function describeRepeats(repeats: RepeatedLoginIds | null): string {
  if (repeats === null) return "; whether any occurs twice could not be counted";
  const { repeated, empty } = repeats;
  const told = [
    ...(repeated === 0 ? [] : [repeated === 1 ? "1 login id occurs" : `${repeated} login ids occur`]),
    ...(empty <= 1 ? [] : [`the empty one occurs in ${empty} rows`]),
  ];
  if (told.length === 0) return "";
  const several = repeated === 0 ? "" : " in several rows";
  return `: ${[`${told[0]}${several}`, ...told.slice(1)].join(", and ")}`;
}

/** The ways in which a database can make login ids unique. */
export interface UniqueWays {
  /** Creates a unique index over all rows. */
  readonly index: readonly Step[];
  /** Restricts the users to the rows that meet a condition, among which login ids are unique. */
  among(condition: string): readonly Step[];
  /** The condition that a login id is not empty. */
  readonly notEmpty: string;
  /** The condition of an existing partial unique index. */
  readonly partial: string | null;
}

/** Returns the fixes that apply, the most likely one first. */
export function uniqueFixes(
  repeats: RepeatedLoginIds | null,
  { index, among, notEmpty, partial }: UniqueWays,
): readonly Fix[] {
  const all = (when: string) => fixWhen(when, ...index);
  if (partial !== null) {
    return [
      fixWhen("If only the rows that the unique index covers are users", ...among(partial)),
      all("If all rows are users, give each login id to one of them, then"),
    ];
  }
  if (areUnique(repeats)) return fixBy(...index);
  if (repeats !== null && repeats.repeated === 0) return fixBy(...among(notEmpty));
  return [
    fixWhen(
      "If a condition tells the rows that are users, for example from deleted ones",
      ...among(unknownCondition),
    ),
    all("If all rows are users, give each login id to one of them, then"),
  ];
}

const unknownCondition = "<the condition of rows that are users>";
