import { SQL } from "bun";

/** Runs one statement on a connection of its own. `caFile` turns TLS on and is the only trusted authority. */
export async function runStatement(url: string, caFile: string | null, statement: string): Promise<void> {
  const tls = caFile === null ? {} : { tls: { ca: Bun.file(caFile) } };
  const sql = new SQL(url, { max: 1, connectionTimeout: 1, ...tls });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.close();
  }
}

export interface SqlServerOptions {
  /** Returns the administrator's URL of a database, by default of one that exists from the start. */
  readonly url: (database?: string) => string;
  /** `null` without TLS. */
  readonly caFile: string | null;
  /** The quotation mark around a name. */
  readonly quote: string;
}

/** Returns what tests do with every SQL server. */
export function sqlServer({ url, caFile, quote }: SqlServerOptions) {
  return {
    /** Creates an empty database and returns its URL. */
    async createDatabase(name: string): Promise<string> {
      await runStatement(url(), caFile, `CREATE DATABASE ${quote}${name}${quote}`);
      return url(name);
    },
    /** Returns the authority to trust. @throws {Error} the server was started without `tls` */
    caFile(): string {
      if (caFile === null) throw new Error("this server was started without tls");
      return caFile;
    },
  };
}
