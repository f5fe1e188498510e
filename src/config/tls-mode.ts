/** How a connection is encrypted, in the words of libpq: each mode demands more than the one before it. */
export type TlsMode = "disable" | "prefer" | "require" | "verify-ca" | "verify-full";

const parameters: ReadonlySet<string> = new Set(["sslmode", "ssl-mode", "ssl_mode", "ssl", "tls"]);

/** The words of libpq, of MySQL's clients, and of drivers that know only yes and no. */
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

/** `key` is a parameter's name in lower case. */
export function isTlsParameter(key: string): boolean {
  return parameters.has(key);
}

/** Returns `null` for a word that names no mode. */
export function parseTlsMode(word: string): TlsMode | null {
  return modes.get(word.toLowerCase()) ?? null;
}
