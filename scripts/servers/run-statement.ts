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
