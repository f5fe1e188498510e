import { type Static, type TObject, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";

/** A number as databases return it. Exact ones are texts. */
export const Amount = Type.Union([Type.Number(), Type.String(), Type.Null()]);

/** Returns the only row of a result. @throws if it does not match its schema, which would be a defect of ours */
export function rowOf<Row extends TObject>(schema: Row, rows: readonly unknown[]): Static<Row> {
  return Value.Parse(schema, rows[0]);
}
