import { readFileSync } from "node:fs";
import { Value } from "@sinclair/typebox/value";
import type { Static, TSchema } from "elysia";
import { UsageWrong } from "../command.ts";
import { reasonOf } from "../reason.ts";

/**
 * Reads a JSON file, fills in the defaults of the schema, and checks the result against it.
 *
 * @throws {UsageWrong} it names the option and the first place that does not match
 */
export function readInputFile<Schema extends TSchema>(
  option: string,
  path: string,
  schema: Schema,
): Static<Schema> {
  const content = Value.Default(schema, readJson(option, path));
  if (Value.Check(schema, content)) return content;
  const [fault] = Value.Errors(schema, content);
  throw new UsageWrong(
    `${option}: ${path} is not what is expected at ${fault?.path || "/"}: ${fault?.message}.`,
  );
}

function readJson(option: string, path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UsageWrong(`${option}: ${path} cannot be read as JSON: ${reasonOf(error)}`);
  }
}
