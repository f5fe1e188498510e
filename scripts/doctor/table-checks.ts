import { nobodysChange } from "../../src/directory/dialects/dialect.ts";
import { findTableProblems } from "../../src/directory/table-check.ts";
import { type Check, fine, type Verdict, wrong } from "./check.ts";
import type { Database } from "./database.ts";

/** The table and its columns, as a start examines them. */
export const tableChecks: readonly Check<Database>[] = [
  aboutVariable("database.table", "table", "USERS_TABLE", ({ names }) => `"${names.table}" is there`),
  aboutVariable("database.charset", "character set", "DATABASE_URL", () => "holds all of Unicode on its way"),
  aboutVariable("database.login-id-column", "login id column", "USERS_LOGIN_ID_COLUMN", ({ names }) =>
    tellColumn(names.loginIdColumn, "text, and unique"),
  ),
  aboutVariable("database.data-column", "ownIdData column", "USERS_OWNID_DATA_COLUMN", ({ names, facts }) => {
    const { type = "" } = facts.columns.find(({ name }) => name === names.ownIdDataColumn) ?? {};
    return tellColumn(names.ownIdDataColumn, `${type.toLowerCase()} holds every value`);
  }),
  aboutVariable("database.blocked-column", "blocked column", "USERS_BLOCKED_COLUMN", ({ names }) =>
    names.blockedColumn === null
      ? "none is configured"
      : tellColumn(names.blockedColumn, "boolean or number"),
  ),
];

const lookup: Check<Database> = {
  id: "database.lookup",
  title: "index of the lookup",
  async examine({ plan, statements, spelling, names, dialect }) {
    const steps = await plan(statements.find);
    if (spelling.usesIndex(JSON.stringify(steps))) return fine("each lookup goes through an index");
    return wrong(
      "the lookup reads the whole table, although an index may be there",
      dialect.mend.addUniqueIndex(names),
    );
  },
};

const privileges: Check<Database> = {
  id: "database.privileges",
  title: "privileges suffice",
  async examine(database) {
    const { run, statements, dialect } = database;
    try {
      await run(statements.find, [nobodysChange.loginId]);
      await run(statements.replace, statements.parametersOf(nobodysChange));
      return fine("reading and writing was tried");
    } catch (error) {
      const { meaning, reason } = dialect.failure(error);
      if (meaning !== "forbidden") throw error;
      return wrong(reason, grantFor(database));
    }
  },
};

/** What needs both columns to be there. */
export const rowChecks: readonly Check<Database>[] = [lookup, privileges];

/** The grant that is enough, for the account that the sidecar logs in as. */
export function grantFor({ dialect, names, account }: Database): string {
  return toAccount(dialect.mend.grant(names), account);
}

function aboutVariable(
  id: string,
  title: string,
  variable: string,
  good: (database: Database) => string,
): Check<Database> {
  return {
    id,
    title,
    examine(database) {
      const { names, facts, dialect } = database;
      const problems = findTableProblems(names, facts, dialect).filter((problem) =>
        problem.startsWith(`${variable}:`),
      );
      if (problems.length === 0) return fine(good(database));
      return verdictOf(
        problems.map((problem) => problem.slice(variable.length + 2)).join(" "),
        database,
        variable,
      );
    },
  };
}

/** The sentence has a guess at the name that was meant, or ends with one of the dialect's mends, or neither. */
function verdictOf(sentence: string, database: Database, variable: string): Verdict {
  const { dialect, names, account, settings } = database;
  const [question, guess] = /Did you mean "(.+)"\?/.exec(sentence) ?? [];
  const mend = Object.values(dialect.mend)
    .map((write) => write(names))
    .find((text) => sentence.endsWith(text));
  const detail = sentence.slice(0, -(mend?.length ?? 0) || undefined).replace(/:? *(?:Or add it:)? *$/, "");
  if (question !== undefined) return wrong(detail, `${variable}=${guess}`);
  if (mend !== undefined) return wrong(detail, toAccount(mend, account));
  // MySQL and MariaDB hide what the account may not touch.
  if (settings.kind === "mysql" && detail.includes("may see")) return wrong(detail, grantFor(database));
  const setting = whatToName[variable];
  return wrong(detail, setting === undefined ? speakUtf8 : `${variable}=<${setting}>`);
}

const whatToName: Readonly<Record<string, string>> = {
  USERS_TABLE: "the table of your users",
  USERS_LOGIN_ID_COLUMN: "the column of what people log in with",
  USERS_OWNID_DATA_COLUMN: "a text column",
  USERS_BLOCKED_COLUMN: "a boolean or number column",
};

/** What connections speak whose own wish the server skips. */
const speakUtf8 =
  "SET GLOBAL character_set_server = 'utf8mb4', GLOBAL character_set_client = 'utf8mb4', GLOBAL character_set_connection = 'utf8mb4', GLOBAL character_set_results = 'utf8mb4';";

function toAccount(mend: string, account: string): string {
  return mend.replaceAll(/<the sidecar's (?:role|user)>/g, account);
}

function tellColumn(name: string, what: string): string {
  return `"${name}": ${what}`;
}
