import { Type } from "@sinclair/typebox";

/** A text in a row of the database, or NULL. */
export const nullableText = Type.Union([Type.String(), Type.Null()]);
