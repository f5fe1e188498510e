/** How a connection is encrypted, in the terms of libpq. Each mode requires more than the one before. */
export type TlsMode = "disable" | "prefer" | "require" | "verify-ca" | "verify-full";

const parameters: ReadonlySet<string> = new Set(["sslmode", "ssl-mode", "ssl_mode", "ssl", "tls"]);

/** The terms of libpq, of MySQL's clients, and of drivers that know only yes and no. */
const modes: ReadonlyMap<string, TlsMode> = new Map([
  ["disable", "disable"],
  ["disabled", "disable"],
  ["false", "disable"],
  ["0", "disable"],
  ["allow", "prefer"],
  ["prefer", "prefer"],
  ["preferred", "prefer"],
  ["require", "require"],
  ["required", "require"],
  ["true", "require"],
  ["1", "require"],
  ["verify-ca", "verify-ca"],
  ["verify_ca", "verify-ca"],
  ["verify-full", "verify-full"],
  ["verify-identity", "verify-full"],
  ["verify_identity", "verify-full"],
]);

/** `key` is the name of a parameter in lower case. */
export function isTlsParameter(key: string): boolean {
  return parameters.has(key);
}

/** Returns `null` if the word names no mode. */
export function parseTlsMode(word: string): TlsMode | null {
  return modes.get(word.toLowerCase()) ?? null;
}
