import { probeReplacement } from "../../src/directory/dialects/dialect.ts";
import { findTableProblems } from "../../src/directory/table-check.ts";
import type { TableProblem } from "../../src/directory/table-problem.ts";
import { type Check, fine, wrong } from "./check.ts";
import type { Database } from "./database.ts";

/**
 * Checks the table and its columns as a start examines them. If the table does not exist or is hidden, nothing is
 * said about its columns.
 */
export function tableChecks({ facts, names }: Database): readonly Check<Database>[] {
  if (facts.columns.length === 0) return [table, connection];
  return [table, connection, ...columnChecks, ...(names.session === null ? [] : sessionChecks)];
}

const table = aboutVariable("database.table", "table", "USERS_TABLE", ({ names, facts }) =>
  facts.isView ? `the view "${names.table}" is there` : `"${names.table}" is there`,
);

const connection = aboutVariable(
  "database.charset",
  "character set",
  "DATABASE_URL",
  () => "the connection carries all of Unicode",
);

const columnChecks: readonly Check<Database>[] = [
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

const sessionChecks: readonly Check<Database>[] = [
  aboutVariable("database.subject-column", "subject column", "SESSION_SUBJECT_COLUMN", ({ names }) => {
    const subject = names.session?.subject ?? null;
    return subject === null ? "none is configured" : tellColumn(subject, "it can tell users apart");
  }),
  aboutVariable("database.claim-columns", "columns of claims", "SESSION_CLAIMS", ({ names }) => {
    const claims = names.session?.claims ?? [];
    return claims.length === 0 ? "none are configured" : "texts, numbers or booleans";
  }),
];

const lookup: Check<Database> = {
  id: "database.lookup",
  title: "index of the lookup",
  async examine({ plan, statements, spelling, facts, settings }) {
    // The plan is shown only to accounts that may see the table behind the view.
    if (facts.isView && settings.kind === "mysql") return fine("the server shows no plan of a view");
    const steps = await plan(statements.find);
    if (spelling.usesIndex(JSON.stringify(steps))) return fine("each lookup goes through an index");
    return wrong("the lookup reads the whole table, although an index may be there", facts.fixes.makeUnique);
  },
};

const privileges: Check<Database> = {
  id: "database.privileges",
  title: "privileges suffice",
  async examine(database) {
    const { run, statements, dialect, facts } = database;
    try {
      await run(statements.findForSession, ["doctor", probeReplacement.loginId]);
      await run(statements.replace, statements.parametersOf(probeReplacement));
      return fine("reading and writing were tried");
    } catch (error) {
      const { meaning, reason } = dialect.failure(error);
      if (meaning !== "forbidden") throw error;
      return wrong(reason, facts.fixes.grantTo(facts.account));
    }
  },
};

/** Returns whether the account may read users. */
export async function mayReadUsers({ run, statements, dialect }: Database): Promise<boolean> {
  try {
    await run(statements.findForSession, ["doctor", probeReplacement.loginId]);
    return true;
  } catch (error) {
    return dialect.failure(error).meaning !== "forbidden";
  }
}

/**
 * Returns the checks of rows, which need both columns. Without the privilege to read, one check reports that for all.
 * A problem with the login id column prevents lookups from using its index anyway.
 */
export function rowChecks(
  { facts, names, dialect }: Database,
  { mayRead }: { readonly mayRead: boolean },
): readonly Check<Database>[] {
  const problems = findTableProblems(names, facts, dialect);
  const isFound = problems.every(({ variable }) => variable !== "USERS_LOGIN_ID_COLUMN");
  return isFound && mayRead ? [lookup, privileges] : [privileges];
}

/** Returns the sufficient GRANT for an account. */
export function grantFor({ facts }: Pick<Database, "facts">, account = facts.account): string {
  const steps = facts.fixes.grantTo(account).flatMap((fix) => fix.steps);
  return steps.map(({ text }) => text).join(" ");
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
      const problems = findTableProblems(names, facts, dialect).filter((each) => each.variable === variable);
      return problems.length === 0 ? fine(good(database)) : verdictOf(problems);
    },
  };
}

function verdictOf(problems: readonly TableProblem[]) {
  const detail = problems.map((problem) => problem.detail).join("; ");
  return wrong(
    detail,
    problems.flatMap(({ fixes }) => fixes),
  );
}

function tellColumn(name: string, what: string): string {
  return `"${name}": ${what}`;
}
