/**
 * Returns the code that the operating system, the runtime or a library gives a failure, such as `ECONNREFUSED`, or an
 * empty text. Unlike a message, a code quotes no data.
 */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
