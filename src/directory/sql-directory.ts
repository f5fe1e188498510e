import { Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import {
  ConfigurationInvalid,
  DatabaseUnavailable,
  OutcomeUnknown,
  OwnIdDataTooLong,
  UserUnknown,
} from "../errors.ts";
import { nobodysChange, readOnlyServer, type Statements, type TableFacts } from "./dialects/dialect.ts";
import { createSqlClient, type SqlDirectoryOptions, SqlFailed } from "./sql-client.ts";
import type { SqlResult } from "./sql-pool.ts";
import { findTableProblems } from "./table-check.ts";
import type { UserDirectory, UserRecord } from "./user-directory.ts";

/** Statements that may wait for each connection: beyond it, waiting would only end in a timeout. */
const waitingPerConnection = 50;

const Row = TypeCompiler.Compile(
  Type.Object({
    loginId: Type.String(),
    ownIdData: Type.Union([Type.String(), Type.Null()]),
    blocked: Type.Union([Type.Boolean(), Type.Number(), Type.String()]),
    databaseTimeMs: Type.Number(),
  }),
);

const ReadOnly = TypeCompiler.Compile(Type.Object({ readOnly: Type.Union([Type.Number(), Type.String()]) }));

interface Verified {
  readonly statements: Statements;
  readonly facts: TableFacts;
}

/**
 * The site's own user table over Bun.SQL. `statementMs` bounds every call, retries included. Until
 * `verifyConnection` has succeeded once, every call is refused: an unknown column in SQLite would be read as a
 * text, and a column that pads would change what it keeps.
 */
export function createSqlDirectory(options: SqlDirectoryOptions): UserDirectory {
  const { names, poolMax } = options;
  const client = createSqlClient({
    ...options,
    waitingMax: poolMax * waitingPerConnection,
    remedyWhenSlow: "see whether the database is overloaded, or the network between drops packets",
  });
  const { dialect, read, write } = client;
  let verified: Verified | null = null;

  function statements(): Statements {
    if (verified !== null) return verified.statements;
    throw new DatabaseUnavailable(
      "the user table has not been checked yet",
      "none needed: it is tried again",
    );
  }

  async function examineTable(): Promise<Verified> {
    const facts = await dialect.inspect((text, parameters = []) => read(text, parameters), names);
    const problems = findTableProblems(names, facts, dialect);
    if (problems.length > 0) throw new ConfigurationInvalid(problems);
    const prepared = dialect.statements(names, facts, client.serverStatementMs);
    await read(prepared.find, [nobodysChange.loginId]);
    await read(prepared.replace, prepared.parametersOf(nobodysChange));
    return { statements: prepared, facts };
  }

  /** A primary that was demoted may keep its connections, and answer reads from what will be an older state. */
  async function ensurePrimary(): Promise<void> {
    if (dialect.asksReadOnly === null) return;
    const [answer] = await read(dialect.asksReadOnly, []);
    if (ReadOnly.Check(answer) && Number(answer.readOnly) === 0) return;
    client.reconnect();
    throw new SqlFailed(readOnlyServer);
  }

  return {
    async verifyConnection() {
      try {
        if (verified === null) verified = await examineTable();
        else await read(verified.statements.find, [nobodysChange.loginId]);
        await ensurePrimary();
      } catch (error) {
        if (verified === null) client.reconnect();
        if (!(error instanceof SqlFailed)) throw error;
        const { meaning, message, remedy } = error;
        const isFinal = meaning === "forbidden" || meaning === "misfit";
        if (!isFinal) throw error;
        const mend = meaning === "forbidden" ? dialect.mend.grant(names) : remedy;
        throw new ConfigurationInvalid([`DATABASE_URL: ${message}: ${mend}`]);
      }
    },

    async find(loginId) {
      try {
        return pickUser(await read(statements().find, [loginId]), loginId);
      } catch (error) {
        if (error instanceof SqlFailed && error.meaning === "incomparable") throw new UserUnknown();
        throw error;
      }
    },

    fits(ownIdData) {
      const column = verified?.facts.columns.find(({ name }) => name === names.ownIdDataColumn);
      const capacity = column?.capacity ?? null;
      if (capacity === null) return true;
      const length = capacity.unit === "bytes" ? Buffer.byteLength(ownIdData) : codePoints(ownIdData);
      return length <= capacity.amount;
    },

    async replaceOwnIdData(change) {
      const { replace, parametersOf } = statements();
      try {
        return (await write(replace, parametersOf(change))).count === 1;
      } catch (error) {
        if (!(error instanceof SqlFailed)) throw error;
        if (error.meaning === "too long") throw new OwnIdDataTooLong();
        if (error.meaning === "unknown") throw new OutcomeUnknown(error.message);
        throw error;
      }
    },

    close: client.close,
  } satisfies UserDirectory;
}

function pickUser(rows: SqlResult, loginId: string): UserRecord {
  const users = rows.map(parseRow).filter((candidate) => differsInCaseOnly(candidate.loginId, loginId));
  const user = users.length === 1 ? users[0] : users.find((candidate) => candidate.loginId === loginId);
  if (user !== undefined) return user;
  if (users.length === 0) throw new UserUnknown();
  throw new DatabaseUnavailable(
    "the login id column's collation finds several users for one login id",
    "make the column's unique index use the column's own collation",
  );
}

/**
 * Many a collation also calls equal what people and mail servers do not: é and e, all emoji, trailing blanks.
 * Whoever owns `ann@exämple.com` must not become the user `ann@example.com`. Both ways, since the Kelvin sign
 * has the lower case k, but k not the upper case Kelvin.
 */
function differsInCaseOnly(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase() && a.toUpperCase() === b.toUpperCase();
}

function parseRow(row: unknown): UserRecord {
  if (!Row.Check(row)) {
    throw new DatabaseUnavailable("a user's row is not text as its columns promise", "see the table's data");
  }
  return { ...row, blocked: Number(row.blocked) !== 0 };
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
