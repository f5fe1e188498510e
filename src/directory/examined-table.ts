import { ConfigurationInvalid, DatabaseUnavailable } from "../errors.ts";
import { nobodysChange, type Statements, type TableFacts, type TableNames } from "./dialects/dialect.ts";
import { type SqlClient, SqlFailed } from "./sql-client.ts";
import { findTableProblems } from "./table-check.ts";

/** A table that fits, and the statements that were written for it. */
export interface ExaminedTable {
  readonly facts: TableFacts;
  readonly statements: Statements;
}

export interface TableExaminer {
  /** @throws {DatabaseUnavailable} the table has not been examined yet, or did not fit when it last was */
  current(): ExaminedTable;

  /**
   * Examines the table now; calls at the same time share one examination. Nothing is assumed about a table that does
   * not fit any more: `current` throws until another examination finds that it does.
   *
   * @throws {ConfigurationInvalid} it does not fit | {DatabaseUnavailable} no answer; what was known stays
   */
  examine(): Promise<void>;

  /** Whether the last examination was too long ago, or found that the table does not fit. */
  isDue(): boolean;
}

/** The site may change its table while the sidecar runs. */
const examineEveryMs = 60_000;

export function createTableExaminer(client: SqlClient, names: TableNames): TableExaminer {
  let known: ExaminedTable | DatabaseUnavailable = new DatabaseUnavailable(
    "the user table has not been checked yet",
    "none needed: it is tried again",
  );
  let examinedAtMs = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | null = null;

  async function examine(): Promise<void> {
    try {
      known = await examineTable(client, names);
      examinedAtMs = performance.now();
    } catch (error) {
      const final = finalProblemsOf(error, client, names);
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

/** Both statements are tried for a user whom nobody is: catalogues do not show every privilege and state. */
async function examineTable(client: SqlClient, names: TableNames): Promise<ExaminedTable> {
  const { dialect } = client;
  const facts = await dialect.inspect((text, parameters = []) => client.read(text, parameters), names);
  const problems = findTableProblems(names, facts, dialect);
  if (problems.length > 0) throw new ConfigurationInvalid(problems);
  const statements = dialect.statements(names, facts, client.serverStatementMs);
  await client.readRows(statements.find, [nobodysChange.loginId]);
  await client.read(statements.replace, statements.parametersOf(nobodysChange));
  return { facts, statements };
}

/** What no other try will change; `null` of another error. */
export function finalProblemsOf(
  error: unknown,
  { dialect }: SqlClient,
  names: TableNames,
): ConfigurationInvalid | null {
  if (error instanceof ConfigurationInvalid) return error;
  if (!(error instanceof SqlFailed)) return null;
  const { meaning, message, remedy } = error;
  if (meaning === "forbidden") {
    return new ConfigurationInvalid([`DATABASE_URL: ${message}: ${dialect.mend.grant(names)}`]);
  }
  return meaning === "misfit" ? new ConfigurationInvalid([`DATABASE_URL: ${message}: ${remedy}`]) : null;
}

function doesNotFit({ problems }: ConfigurationInvalid): DatabaseUnavailable {
  return new DatabaseUnavailable(
    problems.join(" "),
    "change the table or the setting; the table is examined again every second",
  );
}
