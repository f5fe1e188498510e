import { Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import type {
  Replaced,
  Replacement,
  SessionUser,
  UserDirectory,
  UserRecord,
} from "../coherence/user-directory.ts";
import { OutcomeUnknown, OwnIdDataTooLong, UserUnknown } from "../errors.ts";
import { type ColumnFacts, probeReplacement, type TableFacts } from "./dialects/dialect.ts";
import { createTableExaminer, finalProblemsOf } from "./examined-table.ts";
import { explainRefusedConnection } from "./refused-connection.ts";
import { sessionValuesOf } from "./session-values.ts";
import { createSqlClient, type SqlDirectoryOptions, SqlFailed } from "./sql-client.ts";
import { parseUser, pickUser } from "./user-row.ts";

const Confirmation = TypeCompiler.Compile(Type.Object({ holds: Type.Literal(true) }));

/** Maximum number of statements that wait for each connection. More would only time out. */
const waitingPerConnection = 50;

/**
 * Creates the directory over the site's user table, with Bun.SQL. `statementMs` limits every statement, including
 * retries. Until `verifyConnection` has succeeded once, every call is refused: SQLite reads an unknown column as a
 * text, and a column that pads would change values.
 */
export function createSqlDirectory(options: SqlDirectoryOptions): UserDirectory {
  const { names, poolMax } = options;
  const client = createSqlClient({
    ...options,
    waitingMax: poolMax * waitingPerConnection,
    fixWhenSlow: "check whether the database is overloaded, or the network between drops packets",
  });
  const table = createTableExaminer(client, names);

  /**
   * Runs a statement. If the database refuses it because the table has changed, nothing has run: the table is
   * examined again, and the statement is tried once more.
   */
  async function withTable<Result>(run: () => Promise<Result>): Promise<Result> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof SqlFailed) || error.meaning !== "table changed") throw error;
      await table.examine().catch(() => {});
      return await run();
    }
  }

  async function findOnce(loginId: string): Promise<UserRecord> {
    const { statements } = table.current();
    return pickUser(await client.readRows(statements.find, [loginId]), loginId, parseUser);
  }

  async function findForSessionOnce(loginId: string): Promise<SessionUser> {
    const { facts, statements } = table.current();
    return pickUser(await client.readRows(statements.findForSession, [loginId]), loginId, (row) => ({
      ...parseUser(row),
      columns: sessionValuesOf(row, names.session, facts),
    }));
  }

  async function findBy<User>(findThem: (loginId: string) => Promise<User>, loginId: string): Promise<User> {
    try {
      return await withTable(() => findThem(loginId));
    } catch (error) {
      if (error instanceof SqlFailed && error.meaning === "incomparable") throw new UserUnknown();
      throw error;
    }
  }

  async function replaceOnce(change: Replacement): Promise<Replaced> {
    const { statements } = table.current();
    const result = await client.write(statements.replace, statements.parametersOf(change));
    if (result.count > 1) {
      throw new OutcomeUnknown("the UPDATE changed several rows: the login id is not unique");
    }
    if (result.count === 0) return "unchanged";
    return Confirmation.Check(result[0]) ? "holds" : "changed";
  }

  /** Returns whether the row holds the replacement, after a statement that is over. */
  async function isReplaced({ loginId, expected, replacement }: Replacement): Promise<boolean> {
    const row = await findOnce(loginId).catch(() => null);
    if (row?.ownIdData === expected) return false;
    if (row?.ownIdData === replacement) return true;
    throw new OutcomeUnknown("the UPDATE failed, and the row does not show whether it was undone");
  }

  const ownIdDataColumn = () =>
    table.current().facts.columns.find(({ name }) => name === names.ownIdDataColumn);

  function fits(ownIdData: string): boolean {
    const capacity = ownIdDataColumn()?.capacity ?? null;
    return capacity === null || lengthIn(capacity.unit, ownIdData) <= capacity.amount;
  }

  /**
   * Returns the real reason why the database refused a write. A trigger that lacks a privilege, or whose own column
   * is too short, causes the same error as our own column.
   */
  async function explainRefusal(error: SqlFailed, change: Replacement): Promise<Error> {
    if (error.meaning === "too long") {
      await table.examine().catch(() => {});
      return fits(change.replacement ?? "") ? new SqlFailed(triggerFailed(error)) : new OwnIdDataTooLong();
    }
    // The table has been examined since, and is suitable.
    if (error.meaning === "table changed") return new SqlFailed(triggerFailed(error));
    if (error.meaning === "forbidden") {
      const { statements } = table.current();
      const isOurs = await client.read(statements.replace, statements.parametersOf(probeReplacement)).then(
        () => false,
        () => true,
      );
      if (!isOurs) return new SqlFailed(triggerFailed(error));
    }
    return error.meaning === "unknown" ? new OutcomeUnknown(error.message) : error;
  }

  async function verify(): Promise<void> {
    if (table.isDue()) return await table.examine();
    const { facts } = table.current();
    try {
      await withTable(() => client.readRows(table.current().statements.find, [probeReplacement.loginId]));
    } catch (error) {
      throw finalProblemsOf(error, facts) ?? error;
    }
  }

  return {
    async verifyConnection() {
      try {
        await verify();
      } catch (error) {
        if (!(error instanceof SqlFailed)) throw error;
        throw new SqlFailed(await explainRefusedConnection(error.failure, options.url));
      }
    },

    find: (loginId) => findBy(findOnce, loginId),
    findForSession: (loginId) => findBy(findForSessionOnce, loginId),

    fits,
    noData: () => (ownIdDataColumn()?.nullable === false ? "" : null),

    async replaceOwnIdData(change) {
      const { facts } = table.current();
      try {
        return await withTable(() => replaceOnce(change));
      } catch (error) {
        if (!(error instanceof SqlFailed)) throw error;
        if (mayBeHalfDone(error, facts) && (await isReplaced(change))) return "holds";
        throw await explainRefusal(error, change);
      }
    },

    close: client.close,
  } satisfies UserDirectory;
}

/** Returns whether a statement that failed may have changed the row. */
function mayBeHalfDone({ meaning }: SqlFailed, { rollsBack }: TableFacts): boolean {
  return meaning === "half done" || (meaning !== "unknown" && !rollsBack);
}

function triggerFailed({ meaning, message }: SqlFailed) {
  const fault =
    meaning === "table changed" ? message.replace(/^.*(?= \()/, "a name or a type in it is wrong") : message;
  return {
    meaning: "not done",
    reason: `a trigger of the user table failed: ${fault}`,
    fix: "check the database's own log, and fix the trigger or grant what it needs",
  } as const;
}

function lengthIn(unit: NonNullable<ColumnFacts["capacity"]>["unit"], text: string): number {
  if (unit === "bytes") return Buffer.byteLength(text);
  let codePoints = 0;
  for (const _ of text) codePoints += 1;
  return codePoints;
}
