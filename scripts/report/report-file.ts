import { writeFileSync } from "node:fs";
import { UsageWrong } from "../command.ts";

/** A file that an option such as `--report` names. Without the option, nothing is written. */
export interface ReportFile {
  readonly option: string;
  readonly path: string | undefined;
}

/**
 * Fails before the work if its report could not be written afterwards. A report from before stays until the new one is
 * written.
 *
 * @throws {UsageWrong}
 */
export function ensureWritable(file: ReportFile): void {
  write(file, "", "a");
}

/** @throws {UsageWrong} */
export function writeReport(file: ReportFile, content: string): void {
  write(file, content, "w");
}

function write({ option, path }: ReportFile, content: string, flag: "a" | "w"): void {
  if (path === undefined) return;
  try {
    writeFileSync(path, content, { flag });
  } catch {
    throw new UsageWrong(`--${option}: ${path} cannot be written.`);
  }
}
