import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { Config } from "../../../src/config/load-config.ts";
import type { TableFacts } from "../../../src/directory/dialects/dialect.ts";
import { dialects } from "../../../src/directory/dialects/dialects.ts";
import { nullableText } from "../../../src/directory/nullable-text.ts";
import { noRepeats } from "../../../src/directory/repeated-login-ids.ts";
import { createSqlClient, SqlFailed } from "../../../src/directory/sql-client.ts";
import { RequestInvalid } from "../../../src/errors.ts";
import { parseLoginId } from "../../../src/protocol/login-id.ts";
import { RequestFailed } from "../api/failure.ts";
import { createRowStatements } from "./row-statements.ts";

export interface UserRow {
  readonly loginId: string;
  readonly ownIdData: string | null;
  readonly blocked: boolean;
}

/**
 * The user table at `DATABASE_URL`, as the site itself uses it.
 *
 * @throws {RequestFailed} by every method: `database_failed`, with a reason that quotes no data
 */
export interface UserRows {
  /** @throws {RequestFailed} `user_exists`, also | `not_configured`: it is blocked, but there is no such column */
  insert(row: UserRow): Promise<void>;
  find(loginId: string): Promise<UserRow | null>;
  /** Returns the login id for the subject of a session: the subject itself, or that of the row with this value in `SESSION_SUBJECT_COLUMN`. */
  findBySubject(subject: string): Promise<string | null>;
  /** @throws {RequestFailed} `not_configured` without `USERS_BLOCKED_COLUMN` | `user_not_found`, also */
  block(loginId: string, blocked: boolean): Promise<void>;
  close(): Promise<void>;
}

const statementMs = 5000;
const waitingMax = 100;

const FoundRow = Type.Object({
  ownIdData: nullableText,
  blocked: Type.Union([Type.Boolean(), Type.Number()]),
});

const SubjectRow = Type.Object({ loginId: Type.String() });

/** Examines the table at the first call. Calls `onInsert` with the login id of each row that is inserted. */
export function createUserRows(
  { database, requests }: Pick<Config, "database" | "requests">,
  onInsert: (loginId: string) => void,
): UserRows {
  const { kind, url, tls, names, prepare } = database;
  const stored = (loginId: string) => parseLoginId(loginId, requests.loginIdCase);
  const client = createSqlClient({
    kind,
    names,
    prepare,
    poolMax: 2,
    url: url.reveal(),
    tls: tls.reveal(),
    statementMs,
    waitingMax,
    fixWhenSlow: "check whether the database is overloaded",
  });
  const { dialect } = client;
  let examined: Promise<TableFacts> | null = null;

  async function examine(): Promise<TableFacts> {
    try {
      return await dialect.inspect(client.read, names, async () => noRepeats);
    } catch (error) {
      examined = null;
      throw error;
    }
  }

  async function statements() {
    examined ??= examine();
    return createRowStatements(dialects[kind].spelling, names, await examined);
  }

  async function find(loginId: string): Promise<UserRow | null> {
    const [row] = await client.read((await statements()).find, [loginId]);
    if (row === undefined) return null;
    if (!Value.Check(FoundRow, row))
      throw new RequestFailed("database_failed", "The row of the user has an unexpected form.");
    return { loginId, ownIdData: row.ownIdData, blocked: Boolean(row.blocked) };
  }

  return {
    find: (loginId) => explained(() => find(stored(loginId))),

    findBySubject: (subject) =>
      explained(async () => {
        const { findBySubject } = await statements();
        if (findBySubject === null) return subject;
        const [row] = await client.read(findBySubject, [subject]);
        return Value.Check(SubjectRow, row) ? row.loginId : null;
      }),

    insert: ({ ownIdData, blocked, ...user }) =>
      explained(async () => {
        const loginId = stored(user.loginId);
        if (blocked && names.blockedColumn === null) throw noBlockedColumn();
        if ((await find(loginId)) !== null) throw userExists();
        const { insert } = await statements();
        await client.write(insert, [loginId, ownIdData]).catch(async (error: unknown) => {
          // Another request may have been first.
          throw (await find(loginId)) === null ? notInserted(error) : userExists();
        });
        onInsert(loginId);
        if (blocked) await client.write((await statements()).block(true), [loginId]);
      }),

    block: (user, blocked) =>
      explained(async () => {
        const loginId = stored(user);
        if (names.blockedColumn === null) throw noBlockedColumn();
        if ((await find(loginId)) === null) {
          throw new RequestFailed("user_not_found", "The user table has no such user.");
        }
        await client.write((await statements()).block(blocked), [loginId]);
      }),

    close: client.close,
  };
}

async function explained<Result>(run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof RequestInvalid) throw new RequestFailed("request_invalid", error.message);
    if (!(error instanceof SqlFailed)) throw error;
    throw new RequestFailed(
      "database_failed",
      `The user table at DATABASE_URL gave no answer: ${error.message}.`,
    );
  }
}

function notInserted(error: unknown): unknown {
  if (!(error instanceof SqlFailed)) return error;
  return new RequestFailed(
    "database_failed",
    `The user table did not take the row: ${error.message}. If it has columns besides those that the settings name, give them a default.`,
  );
}

const userExists = () => new RequestFailed("user_exists", "A user with this login id exists already.");

const noBlockedColumn = () =>
  new RequestFailed("not_configured", "Set USERS_BLOCKED_COLUMN: without it, no user can be blocked.");
