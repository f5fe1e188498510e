import { codeOf } from "../src/error-code.ts";

/** Returns why something failed. The text is never empty, although some errors of the system have only a code. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return [...new Set(error.errors.map(reasonOf))].join("; ");
  }
  if (!(error instanceof Error)) return String(error) || "unknown";
  return error.message || codeOf(error) || error.name;
}
