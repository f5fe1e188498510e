/** Servers whose address may have parameters. */
export type ServerKind = "postgres" | "mysql";

/** How the address of each server requests encryption. */
export const tlsForm: Readonly<Record<ServerKind, string>> = {
  postgres: "write sslmode=disable, prefer, require, verify-ca or verify-full instead",
  mysql: "write ssl-mode=DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY instead",
};

/** Names that other libraries use for encryption, besides those in `replacements`. */
const aboutTls = /^(?:use|require|verify)?(?:ssl|tls|servercertificate)/;

/** What to use instead of parameters that other libraries know. */
const replacements: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "set DATABASE_TLS_CA_FILE to the path of the certificate authority instead":
      "sslrootcert sslca ssl-ca ssl_ca",
    "set DATABASE_TLS_CERT_FILE and DATABASE_TLS_KEY_FILE instead":
      "sslcert sslkey ssl-cert ssl-key ssl_cert ssl_key sslidentity",
    "set DATABASE_TLS_KEY_FILE to a key without a passphrase instead": "sslpassword",
    "set DATABASE_PREPARE=false instead": "pgbouncer",
    "set DATABASE_PREPARE instead": "prepare prepared_statements statement_cache_size",
    "set DATABASE_POOL_MAX instead": "max connection_limit connectionlimit pool_size",
    "set USERS_TABLE=schema.table instead": "schema currentschema",
    "set COHERENCE_STATEMENT_MS instead": "statement_timeout",
    "remove it: the sidecar waits for COHERENCE_STATEMENT_MS, and 5 seconds at most":
      "connect_timeout connecttimeout pool_timeout",
    "remove it and ask for TLS, which makes it unnecessary": "allowpublickeyretrieval",
    "remove it: the sidecar uses UTF-8": "charset characterencoding client_encoding",
    "write it before the path instead": "host port",
    "write the database's name as the path instead": "dbname",
    "write it before the host instead, percent-encoded: user:password@host": "user username password",
  }).flatMap(([instead, names]) => names.split(" ").map((name) => [name, instead] as const)),
);

/**
 * Returns why a parameter is refused and what to do instead. Only the name is shown, since the value may be a secret,
 * and not a name that could be a part of a password.
 */
export function explainUnfollowed(kind: ServerKind, name: string): string {
  const key = name.toLowerCase();
  const instead = replacements.get(key) ?? (aboutTls.test(key) ? tlsForm[kind] : undefined);
  if (instead !== undefined)
    return `has the parameter ${name}, which the sidecar does not follow: ${instead}.`;
  const named = /^[A-Za-z][A-Za-z_-]{2,40}$/.test(name) ? `the parameter ${name}, which` : "a parameter that";
  return `has ${named} the sidecar does not know: remove it.`;
}
