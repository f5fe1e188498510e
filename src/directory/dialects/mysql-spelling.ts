import { beforeSelect, quoteWith, type Spelling } from "./spelling.ts";

export const quote = quoteWith("`");

/** The server reports the account as `user@host`. The name of the user may also contain an @. */
const host = "substring_index(current_user(), '@', -1)";
const user = `left(current_user(), char_length(current_user()) - char_length(${host}) - 1)`;
/** The account as GRANT writes it. */
export const currentAccount = `concat(quote(${user}), '@', quote(${host}))`;

export const mysqlSpelling: Spelling = {
  quote,
  parameter: () => "?",
  firstAsText: "?",
  text: (column) => `CONVERT(${column} USING utf8mb4)`,
  isText: (column) => `${column} IS NOT NULL`,
  isFilled: (column) => `coalesce(length(${column}) > 0, 0)`,
  isTrue: (column) => `coalesce(${column} <> 0, 0)`,

  identity: `SELECT ${currentAccount} AS account,
                    CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000 AS CHAR) AS nowMs`,
  characters: (text) => `char_length(${text})`,
  bytes: (text) => `octet_length(CONVERT(${text} USING utf8mb4))`,
  bytewise: (text) => `CAST(CONVERT(${text} USING utf8mb4) AS BINARY)`,
  plain: (column) => column,
  lowered: (column) => `lower(${column})`,

  // MySQL and MariaDB limit the time in different ways, and each reads the other's as a comment.
  scan: async (sql, text, limitMs) => {
    const before = `/*M!100101 SET STATEMENT max_statement_time=${(limitMs / 1000).toFixed(3)} FOR */`;
    return sql.unsafe(
      before + text.replace("SELECT", `SELECT /*+ MAX_EXECUTION_TIME(${Math.ceil(limitMs)}) */`),
    );
  },
  plan: async (sql, text) => sql.unsafe(beforeSelect("EXPLAIN", text), ["", ""]),
  // The row of a unique index is looked up before there is a plan, and so is the only row of a table ("system").
  usesIndex: (plan) =>
    /"table":"u"[^}]*"type":"(?:system|const|eq_ref|ref)"|const table|no matching row/i.test(plan),
};
