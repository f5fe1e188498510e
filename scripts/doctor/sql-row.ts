import { type StaticDecode, type TObject, type TProperties, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { RunSql } from "../../src/directory/dialects/dialect.ts";

/**
 * Runs a query and returns the columns of its first row. Databases return exact numbers as texts; where a column is
 * declared as a number, such a text becomes one.
 *
 * @throws if the row does not match its columns, which would be a defect of ours
 */
export async function readRow<Columns extends TProperties>(
  run: RunSql,
  columns: Columns,
  text: string,
  parameters: readonly unknown[] = [],
): Promise<StaticDecode<TObject<Columns>>> {
  const [row] = await run(text, parameters);
  return Value.Parse(Type.Object(columns), row);
}

/** Returns how many rows a query selects. `scan` runs a statement that reads a whole table. */
export async function countRows(
  { scan }: { scan(text: string): Promise<readonly unknown[]> },
  query: string,
): Promise<number> {
  const { n } = await readRow(scan, { n: Type.Number() }, `SELECT count(*) AS n FROM (${query}) AS found`);
  return n;
}
