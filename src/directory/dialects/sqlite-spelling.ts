import { beforeSelect, quoteWith, type Spelling } from "./spelling.ts";

export const quote = quoteWith('"');

/** Milliseconds since the Unix epoch, whose Julian day is 2440587.5. */
export const clockMs = "(julianday('now') - 2440587.5) * 86400000.0";

export const sqliteSpelling: Spelling = {
  quote,
  parameter: (position) => `?${position}`,
  firstAsText: "?1",
  text: (column) => `CAST(${column} AS TEXT)`,
  isText: (column) => `typeof(${column}) = 'text'`,
  isFilled: (column) => `coalesce(CAST(${column} AS TEXT) COLLATE BINARY <> '', 0)`,
  isTrue: (column) => `coalesce(${column} <> 0, 0)`,

  identity: `SELECT '' AS account, ${clockMs} AS nowMs`,
  characters: (text) => `length(${text})`,
  bytes: (text) => `length(CAST(${text} AS BLOB))`,
  bytewise: (text) => `${text} COLLATE BINARY`,
  plain: (column) => `CAST(${column} AS TEXT)`,
  lowered: (column) => `lower(${column})`,

  // The statement runs within the call, so nothing can stop it.
  scan: async (sql, text) => sql.unsafe(text),
  plan: async (sql, text) => sql.unsafe(beforeSelect("EXPLAIN QUERY PLAN", text), ["", ""]),
  usesIndex: (plan) => /SEARCH .* USING/.test(plan),
};
