import { Type } from "@sinclair/typebox";
import { quoteTable, type TableNames } from "../../src/directory/dialects/dialect.ts";
import type { Spelling } from "../../src/directory/dialects/spelling.ts";
import { readRow } from "./sql-row.ts";

/** The site's users, in numbers. */
export interface Population {
  readonly users: number;
  /** The number of users with data. */
  readonly enrolled: number;
  /** The mean size of their data, from a sample. */
  readonly bytesEach: number;
}

/** The number of users from whom sizes are estimated. */
const sampleSize = 1000;

/** A sum or a mean of no rows is NULL. */
const numberOrNull = Type.Union([Type.Number(), Type.Null()]);

export interface ReadableTable {
  readonly names: TableNames;
  readonly spelling: Spelling;
  /** Runs a statement that reads the whole table. */
  scan(text: string): Promise<readonly unknown[]>;
}

export async function countUsers({ names, spelling, scan }: ReadableTable): Promise<Population> {
  const { quote } = spelling;
  const data = `u.${quote(names.ownIdDataColumn)}`;
  const from = `FROM ${quoteTable(names.table, quote)} AS u`;
  const has = `${data} IS NOT NULL AND ${data} <> ''`;
  const { users, enrolled } = await readRow(
    scan,
    { users: Type.Number(), enrolled: numberOrNull },
    `SELECT count(*) AS users, sum(CASE WHEN ${has} THEN 1 ELSE 0 END) AS enrolled ${from}`,
  );
  const sample = `SELECT ${spelling.bytes(data)} AS size ${from} WHERE ${has} LIMIT ${sampleSize}`;
  const mean = `SELECT avg(size) AS bytes FROM (${sample}) AS sample`;
  const { bytes } = await readRow(scan, { bytes: numberOrNull }, mean);
  return { users, enrolled: enrolled ?? 0, bytesEach: bytes ?? 0 };
}
