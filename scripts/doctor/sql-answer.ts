import { type Static, type TObject, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";

/** A number as databases answer it: exact ones come as text. */
export const Amount = Type.Union([Type.Number(), Type.String(), Type.Null()]);

/** The one row of an answer. @throws when it is not as its schema says, which would be a fault of ours */
export function rowOf<Row extends TObject>(schema: Row, rows: readonly unknown[]): Static<Row> {
  return Value.Parse(schema, rows[0]);
}
