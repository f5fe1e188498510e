import { SQL } from "bun";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import type { UserDirectory } from "../../src/coherence/user-directory.ts";
import type { DatabaseKind } from "../../src/config/database-address.ts";
import type { TableNames } from "../../src/directory/dialects/dialect.ts";
import { dialects } from "../../src/directory/dialects/dialects.ts";
import { countRepeatsBy } from "../../src/directory/repeated-login-ids.ts";
import type { SqlDirectoryOptions } from "../../src/directory/sql-client.ts";
import { createSqlDirectory } from "../../src/directory/sql-directory.ts";
import { findTableProblems } from "../../src/directory/table-check.ts";
import type { TableProblem } from "../../src/directory/table-problem.ts";
import { verifiedBy, withoutTls } from "./database-tls.ts";

/** The names of the table that most tests create. */
export const names: TableNames = {
  table: "users",
  loginIdColumn: "email",
  ownIdDataColumn: "data",
  blockedColumn: null,
  session: null,
};

export interface TestDatabase extends AsyncDisposable {
  readonly kind: DatabaseKind;
  /** Runs statements without the directory, as the site would. */
  run(text: string, parameters?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** Creates a directory on this database. It is closed with the database, or by `closeDirectories`. */
  directory(names: TableNames, options?: Partial<SqlDirectoryOptions>): UserDirectory;
  closeDirectories(): Promise<void>;
  /** Returns the problems that a directory would report, with their fixes as data. */
  findProblems(names: TableNames): Promise<readonly TableProblem[]>;
  /** Quotes `name` as one identifier. For `schema.table`, use `quoteTable`. */
  quote(name: string): string;
  quoteTable(name: string): string;
  /** Returns a table name that no test of this database has used. */
  newTable(): string;
}

export interface Address {
  readonly kind: DatabaseKind;
  /** The URL for directories; for SQLite, the path of the file. */
  readonly url: string;
  /** The URL for the site, if it uses a different one. */
  readonly siteUrl?: string;
  readonly prepare?: boolean;
  readonly tlsCa?: string;
  /** A server that only this database uses, and that is stopped with it. */
  readonly server?: AsyncDisposable;
}

let tables = 0;

/** Opens the site's side of an existing database, and directories on it. */
export function openTestDatabase({
  kind,
  url,
  siteUrl = url,
  prepare = true,
  tlsCa,
  server,
}: Address): TestDatabase {
  const options = {
    kind,
    url,
    poolMax: 4,
    prepare,
    tls: tlsCa === undefined ? withoutTls : verifiedBy(tlsCa),
    statementMs: 2000,
  };
  const site = connect(kind, siteUrl, tlsCa);
  let directories: UserDirectory[] = [];
  async function closeDirectories(): Promise<void> {
    const open = directories;
    directories = [];
    await Promise.all(open.map((directory) => directory.close()));
  }
  const { createDialect, spelling } = dialects[kind];
  const { quote } = spelling;
  return {
    kind,
    run: async (text, parameters = []) => await site.unsafe(text, [...parameters]),
    directory(names, changes = {}) {
      const directory = createSqlDirectory({ ...options, names, ...changes });
      directories.push(directory);
      return directory;
    },
    closeDirectories,
    async findProblems(names) {
      const dialect = createDialect();
      await using connection = dialect.connect(options);
      const run = async (text: string, parameters: readonly unknown[] = []) =>
        connection.unsafe(text, [...parameters]);
      return findTableProblems(names, await dialect.inspect(run, names, countRepeatsBy(run)), dialect);
    },
    quote,
    quoteTable: (name) => name.split(".").map(quote).join("."),
    newTable: () => `users ${++tables}`,
    async [Symbol.asyncDispose]() {
      await closeDirectories();
      await site.close();
      await server?.[Symbol.asyncDispose]();
    },
  };
}

/** Creates a new SQLite file in a new folder. */
export function createSqliteFile(): TestDatabase & { readonly path: string } {
  const folder = temporaryFolder();
  const path = folder.at("site users.db");
  new SQL({ adapter: "sqlite", filename: path, create: true, readwrite: true }).close();
  const database = openTestDatabase({ kind: "sqlite", url: path });
  return {
    ...database,
    path,
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

function connect(kind: DatabaseKind, url: string, tlsCa: string | undefined): SQL {
  if (kind === "sqlite") return new SQL({ adapter: "sqlite", filename: url, create: false, readwrite: true });
  return new SQL(url, { max: 1, ...(tlsCa === undefined ? {} : { tls: { ca: tlsCa } }) });
}
