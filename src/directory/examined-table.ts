import { ConfigurationInvalid, DatabaseUnavailable } from "../errors.ts";
import { probeReplacement, type Statements, type TableFacts, type TableNames } from "./dialects/dialect.ts";
import { type CountRepeats, countRarely, countRepeatsBy } from "./repeated-login-ids.ts";
import { type SqlClient, SqlFailed } from "./sql-client.ts";
import { findTableProblems } from "./table-check.ts";
import { inOneLine, problemText } from "./table-problem.ts";

/** A suitable table, and the statements that were written for it. */
export interface ExaminedTable {
  readonly facts: TableFacts;
  readonly statements: Statements;
}

export interface TableExaminer {
  /** @throws {DatabaseUnavailable} the table has not been examined yet, or was not suitable at the last examination */
  current(): ExaminedTable;

  /**
   * Examines the table now. Concurrent calls share one examination. If the table is no longer suitable, `current`
   * throws until another examination finds that it is.
   *
   * @throws {ConfigurationInvalid} the table is not suitable | {DatabaseUnavailable} no answer; the previous result
   * stays
   */
  examine(): Promise<void>;

  /** Returns whether the last examination was too long ago, or found that the table is not suitable. */
  isDue(): boolean;
}

/** The site may change its table while the sidecar runs. */
const examineEveryMs = 60_000;

export function createTableExaminer(client: SqlClient, names: TableNames): TableExaminer {
  let known: ExaminedTable | DatabaseUnavailable = new DatabaseUnavailable(
    "the user table has not been checked yet",
    "none needed: it is retried",
  );
  let examinedAtMs = Number.NEGATIVE_INFINITY;
  const count = countRarely(countRepeatsBy(client.read));
  let underWay: Promise<void> | null = null;

  async function examine(): Promise<void> {
    try {
      known = await examineTable(client, names, count);
      examinedAtMs = performance.now();
    } catch (error) {
      const final = finalProblemsOf(error, null);
      if (final !== null) known = doesNotFit(final);
      if (known instanceof DatabaseUnavailable) client.reconnect();
      throw final ?? error;
    }
  }

  return {
    current() {
      if (known instanceof DatabaseUnavailable) throw known;
      return known;
    },

    examine() {
      underWay ??= examine().finally(() => {
        underWay = null;
      });
      return underWay;
    },

    isDue: () => known instanceof DatabaseUnavailable || performance.now() - examinedAtMs >= examineEveryMs,
  };
}

/**
 * The SELECT of a session, which reads all that a lookup reads, and the UPDATE are tried with a login id that no user has,
 * since catalogues do not show every privilege and state.
 */
async function examineTable(
  client: SqlClient,
  names: TableNames,
  count: CountRepeats,
): Promise<ExaminedTable> {
  const { dialect } = client;
  const facts = await dialect.inspect(client.read, names, count);
  const problems = findTableProblems(names, facts, dialect);
  if (problems.length > 0) throw new ConfigurationInvalid(problems.map(problemText));
  const statements = dialect.statements(names, facts, client.serverStatementMs);
  try {
    await client.readRows(statements.findForSession, [probeReplacement.loginId]);
    await client.read(statements.replace, statements.parametersOf(probeReplacement));
  } catch (error) {
    throw finalProblemsOf(ofThisTable(error), facts) ?? error;
  }
  return { facts, statements };
}

/** The catalogue has just been read and is right about names and types, so the table itself is not suitable. */
function ofThisTable(error: unknown): unknown {
  if (!(error instanceof SqlFailed) || error.meaning !== "table changed") return error;
  const [code = ""] = /\(.*\)$/.exec(error.message) ?? [];
  return new SqlFailed({
    meaning: "misfit",
    reason: `the database refuses the sidecar's SELECT or UPDATE of the user table ${code}`,
    fix: "check whether the ownIdData column is generated from others, or the table a view that nobody can write, or published without a replica identity",
  });
}

/**
 * Returns the problem if no other attempt can succeed, and `null` otherwise. The kind of table decides how a missing
 * privilege is reported.
 */
export function finalProblemsOf(error: unknown, facts: TableFacts | null): ConfigurationInvalid | null {
  if (error instanceof ConfigurationInvalid) return error;
  if (!(error instanceof SqlFailed)) return null;
  const { meaning, message, fix } = error;
  if (meaning === "forbidden" && facts !== null) {
    const fixes = facts.fixes.grantTo(facts.account);
    return new ConfigurationInvalid([problemText({ variable: "DATABASE_URL", detail: message, fixes })]);
  }
  const isFinal = meaning === "forbidden" || meaning === "misfit";
  return isFinal ? new ConfigurationInvalid([`DATABASE_URL: ${message}: ${fix}`]) : null;
}

function doesNotFit({ problems }: ConfigurationInvalid): DatabaseUnavailable {
  return new DatabaseUnavailable(
    problems.map(inOneLine).join(" "),
    "change the table or the setting; the table is examined again every second",
  );
}
