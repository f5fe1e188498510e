import { Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import { dialects } from "../../src/directory/dialects/dialects.ts";
import { nullableText } from "../../src/directory/nullable-text.ts";
import { noRepeats } from "../../src/directory/repeated-login-ids.ts";
import { createSqlClient, type SqlDirectoryOptions, SqlFailed } from "../../src/directory/sql-client.ts";
import { notText, severalUsers } from "../../src/directory/user-row.ts";
import { createScanStatements, type ScanStatements } from "./scan-statements.ts";
import type { UserScan } from "./user-scan.ts";

const waitingMax = 100;

const ListedRow = TypeCompiler.Compile(
  Type.Object({ loginId: Type.String(), isEnrolled: Type.Union([Type.Boolean(), Type.Number()]) }),
);
const DataRow = TypeCompiler.Compile(Type.Object({ loginId: Type.String(), ownIdData: nullableText }));
const CountRow = TypeCompiler.Compile(Type.Object({ users: Type.Union([Type.Number(), Type.String()]) }));

/** Creates the scan with Bun.SQL, on connections of its own. `statementMs` limits every call, including retries. */
export function createSqlUserScan(options: SqlDirectoryOptions): UserScan {
  const { kind, names } = options;
  const { spelling } = dialects[kind];
  const client = createSqlClient({
    ...options,
    waitingMax,
    fixWhenSlow: "check whether the database is overloaded, or take smaller batches",
  });
  const { dialect, serverStatementMs } = client;
  let prepared: ScanStatements | null = null;

  /** The variables of the server determine which states it can be asked about. */
  async function prepare(): Promise<ScanStatements> {
    const { fullName } = await dialect.inspect(client.read, names, countNothing);
    const settings = dialect.settings(serverStatementMs);
    prepared = createScanStatements(spelling, names, fullName, dialect.unfitStates(), settings);
    return prepared;
  }

  const statements = async () => prepared ?? (await prepare());

  /**
   * One login id that the charset cannot encode fails the whole query. It is bisected to isolate that login id, which
   * no user has.
   */
  async function readRows(loginIds: readonly string[]): Promise<readonly unknown[]> {
    if (loginIds.length === 0) return [];
    try {
      const asked = filledUp(loginIds);
      return await client.readRows((await statements()).read(asked.length), asked);
    } catch (error) {
      if (!(error instanceof SqlFailed) || error.meaning !== "incomparable") throw error;
      if (loginIds.length === 1) return [];
      const middle = loginIds.length >> 1;
      return [...(await readRows(loginIds.slice(0, middle))), ...(await readRows(loginIds.slice(middle)))];
    }
  }

  return {
    async count() {
      const [row] = await client.read((await statements()).count, []).catch((error: unknown) => {
        if (error instanceof SqlFailed && error.meaning === "not done") return [];
        throw error;
      });
      return CountRow.Check(row) ? Number(row.users) : null;
    },

    async list(after, size) {
      const list = (await statements()).list(size, after === null);
      const rows = await client.readRows(list, after === null ? [] : [after]);
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
        if (found.has(row.loginId)) throw severalUsers();
        if (asked.has(row.loginId)) found.set(row.loginId, row.ownIdData);
      }
      return found;
    },

    close: client.close,
  } satisfies UserScan;
}

/** Pads to the next power of two with the last login id, so that a dozen prepared statements serve every size. */
function filledUp(loginIds: readonly string[]): string[] {
  const size = 2 ** Math.ceil(Math.log2(loginIds.length));
  return Array.from({ length: size }, (_, index) => loginIds[index] ?? loginIds.at(-1) ?? "");
}

/** The scan needs no proof that login ids are unique. */
const countNothing = async () => noRepeats;
