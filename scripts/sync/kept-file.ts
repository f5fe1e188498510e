import { accessSync, constants, mkdirSync } from "node:fs";
import { codeOf } from "../../src/error-code.ts";
import { UsageWrong } from "../command.ts";

const folder = "./data";

/**
 * Returns the path of the file in which a command records its progress for the next run.
 *
 * @throws {UsageWrong} no file can be kept there
 */
export function keptFile(name: string): string {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new UsageWrong(
      `How far it has come is kept in ${folder}, and this account cannot write there (${codeOf(error) || "unknown failure"}): run it where it can.`,
    );
  }
  return `${folder}/${name}`;
}
