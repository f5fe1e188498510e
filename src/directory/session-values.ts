import { Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import type { ColumnValue } from "../coherence/user-directory.ts";
import type { TableFacts } from "./dialects/dialect.ts";
import { type SessionColumns, sessionAlias, sessionColumnsOf } from "./dialects/session-columns.ts";
import { nullableText } from "./nullable-text.ts";
import { notText } from "./user-row.ts";

const Row = TypeCompiler.Compile(Type.Record(Type.String(), Type.Unknown()));
const Text = TypeCompiler.Compile(nullableText);

const noValues: ReadonlyMap<string, ColumnValue> = new Map();

/** Reads the columns that a session needs from a row of the statement `findForSession`. */
export function sessionValuesOf(
  row: unknown,
  session: SessionColumns | null,
  { columns }: Pick<TableFacts, "columns">,
): ReadonlyMap<string, ColumnValue> {
  if (session === null) return noValues;
  const members = Row.Check(row) ? row : {};
  return new Map(
    sessionColumnsOf(session).map((name, index) => {
      const text = members[sessionAlias(index)];
      if (!Text.Check(text)) throw notText();
      const kind = columns.find((column) => column.name === name)?.kind;
      return [name, { kind: kind === "number" || kind === "boolean" ? kind : "text", text }];
    }),
  );
}
