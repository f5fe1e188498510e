import { beforeSelect, quoteWith, type Spelling } from "./spelling.ts";

export const quote = quoteWith('"');

/**
 * Milliseconds since the Unix epoch, as a double, which is exact to the microsecond and faster than the numeric of
 * `extract`.
 */
export const clockMs = "date_part('epoch', clock_timestamp()) * 1000";

export const postgresSpelling: Spelling = {
  quote,
  parameter: (position) => `$${position}`,
  firstAsText: "$1::text",
  text: (column) => `${column}::text`,
  isText: (column) => `${column} IS NOT NULL`,
  isFilled: (column) => `coalesce(${column}::text <> '', false)`,
  isTrue: (column) => `coalesce(to_jsonb(${column}) NOT IN ('false', '0'), false)`,

  identity: `SELECT quote_ident(current_user) AS account, ${clockMs} AS "nowMs"`,
  characters: (text) => `char_length(${text})`,
  bytes: (text) => `octet_length(convert_to(${text}, 'UTF8'))`,
  bytewise: (text) => `${text} COLLATE "C"`,
  plain: (column) => `(${column}::text COLLATE "C")`,
  lowered: (column) => `lower(${column}::text COLLATE "und-x-icu")`,

  scan: (sql, text, limitMs) =>
    sql.begin(async (transaction) => {
      await transaction.unsafe(`SET LOCAL statement_timeout = ${Math.ceil(limitMs)}`);
      return transaction.unsafe(text);
    }),
  // A small table is read faster as a whole, so that its plan would prove nothing.
  plan: (sql, text) =>
    sql.begin(async (transaction) => {
      await transaction.unsafe("SET LOCAL enable_seqscan = off");
      return transaction.unsafe(beforeSelect("EXPLAIN (FORMAT JSON)", text), ["", ""]);
    }),
  usesIndex: (plan) => plan.includes("Index Cond"),
};
