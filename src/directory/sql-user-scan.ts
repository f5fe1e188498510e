import { Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import { DatabaseUnavailable } from "../errors.ts";
import type { Dialect, SqlFailure } from "./dialects/dialect.ts";
import { createMysqlDialect } from "./dialects/mysql.ts";
import { postgres } from "./dialects/postgres.ts";
import { createScanStatements } from "./dialects/scan-statements.ts";
import { sqlite } from "./dialects/sqlite.ts";
import type { SqlDirectoryOptions } from "./sql-directory.ts";
import { createSqlPool, type SqlResult, StatementTimedOut } from "./sql-pool.ts";
import type { UserScan } from "./user-scan.ts";

const dialects = { sqlite: () => sqlite, postgres: () => postgres, mysql: createMysqlDialect };

/** A statement that is lost with its connection is sent so often at most. */
const sendsMax = 3;
const pauseMs = 25;
const waitingMax = 100;

const ListedRow = TypeCompiler.Compile(
  Type.Object({ loginId: Type.String(), isEnrolled: Type.Union([Type.Boolean(), Type.Number()]) }),
);
const DataRow = TypeCompiler.Compile(
  Type.Object({ loginId: Type.String(), ownIdData: Type.Union([Type.String(), Type.Null()]) }),
);
const CountRow = TypeCompiler.Compile(Type.Object({ users: Type.Union([Type.Number(), Type.String()]) }));

/** The scan over Bun.SQL, on connections of its own. `statementMs` bounds every call, retries included. */
export function createSqlUserScan(options: SqlDirectoryOptions): UserScan {
  const { kind, names, statementMs } = options;
  const dialect: Dialect = dialects[kind]();
  const serverStatementMs = Math.max(1, Math.round(statementMs * 0.9));
  const statements = createScanStatements(kind, names, serverStatementMs);
  const pool = createSqlPool({
    connect: () => dialect.connect({ ...options, statementMs: serverStatementMs }),
    waitingMax,
    closeSeconds: Math.ceil(statementMs / 1000),
  });

  async function ask(text: string, parameters: readonly string[]): Promise<SqlResult> {
    const deadline = performance.now() + statementMs;
    for (let sends = 1; ; sends += 1) {
      try {
        return await pool.run(text, parameters, deadline - performance.now());
      } catch (error) {
        const failure = error instanceof StatementTimedOut ? timedOut : dialect.failure(error);
        const mayRepeat = failure.meaning === "busy" || (failure.meaning === "unknown" && sends < sendsMax);
        if (!mayRepeat || performance.now() + pauseMs >= deadline) throw new ScanFailed(failure);
        await Bun.sleep(pauseMs);
      }
    }
  }

  /** One login id that the column's character set cannot spell would fail all: halves find it, and it is nobody's. */
  async function readRows(loginIds: readonly string[]): Promise<readonly unknown[]> {
    if (loginIds.length === 0) return [];
    try {
      const asked = filledUp(loginIds);
      return await ask(statements.read(asked.length), asked);
    } catch (error) {
      if (!(error instanceof ScanFailed) || error.meaning !== "incomparable") throw error;
      if (loginIds.length === 1) return [];
      const middle = loginIds.length >> 1;
      return [...(await readRows(loginIds.slice(0, middle))), ...(await readRows(loginIds.slice(middle)))];
    }
  }

  return {
    async count() {
      const [row] = await ask(statements.count, []).catch((error: unknown) => {
        if (error instanceof ScanFailed && error.meaning === "not done") return [];
        throw error;
      });
      return CountRow.Check(row) ? Number(row.users) : null;
    },

    async list(after, size) {
      const rows = await ask(statements.list(size, after === null), after === null ? [] : [after]);
      return rows.map((row) => {
        if (!ListedRow.Check(row)) throw notText();
        return { loginId: row.loginId, isEnrolled: Boolean(row.isEnrolled) };
      });
    },

    async read(loginIds) {
      const asked = new Set(loginIds);
      const found = new Map<string, string | null>();
      for (const row of await readRows(loginIds)) {
        if (!DataRow.Check(row)) throw notText();
        if (asked.has(row.loginId)) found.set(row.loginId, row.ownIdData);
      }
      return found;
    },

    close: () => pool.close(),
  } satisfies UserScan;
}

/** The database's own meaning stays with the error: two of them have an answer here. */
class ScanFailed extends DatabaseUnavailable {
  readonly meaning: SqlFailure["meaning"];

  constructor({ meaning, reason, remedy }: SqlFailure) {
    super(reason, remedy);
    this.meaning = meaning;
  }
}

const timedOut: SqlFailure = {
  meaning: "unknown",
  reason: "the database did not answer in time",
  remedy: "see whether the database is overloaded, or take smaller batches",
};

/** To the next power of two, with the last one again: a dozen prepared statements serve every size. */
function filledUp(loginIds: readonly string[]): string[] {
  const size = 2 ** Math.ceil(Math.log2(loginIds.length));
  return Array.from({ length: size }, (_, index) => loginIds[index] ?? loginIds.at(-1) ?? "");
}

function notText(): DatabaseUnavailable {
  return new DatabaseUnavailable("a user's row is not text as its columns promise", "see the table's data");
}
