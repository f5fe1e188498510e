import { Refusal } from "./setting-kinds.ts";

/** How a connection is encrypted, in the words of libpq: each mode demands more than the one before it. */
export type TlsMode = "disable" | "prefer" | "require" | "verify-ca" | "verify-full";

type ServerKind = "postgres" | "mysql";

/** What the query of a database's address says, as far as the sidecar follows it. */
export interface DatabaseParameters {
  /** `null` when the address says nothing about encryption. */
  readonly tls: TlsMode | null;
  /** libpq's way to name the host, which may be the folder of a Unix socket. */
  readonly host: string | null;
  readonly port: string | null;
  readonly user: string | null;
  /** Parameters that the driver itself honours as they stand. */
  readonly forDriver: Readonly<Record<string, string>>;
}

/**
 * Reads the query part of `postgres://…?…` or `mysql://…?…`. A parameter is followed or refused by its name and
 * never dropped: among those that the driver would drop are ones that ask for encryption.
 */
export function parseDatabaseParameters(
  kind: ServerKind,
  query: URLSearchParams,
): DatabaseParameters | Refusal {
  const found = [...query].map(([name, value]) => ({ name, key: name.toLowerCase(), value }));
  const refused = found.map((parameter) => refusalOf(kind, parameter)).find((reason) => reason !== null);
  if (refused !== undefined) return new Refusal(refused);
  const twice = found.find(({ key }, index) => found.findIndex((other) => other.key === key) !== index);
  if (twice !== undefined) return new Refusal(`has the parameter ${twice.name} twice.`);
  const modes = found.flatMap(({ key, value }) => (isTlsParameter(key) ? [modeOf(value)] : []));
  const [tls = null] = modes;
  if (modes.some((mode) => mode !== tls)) {
    return new Refusal("has parameters that contradict each other about encryption; keep one of them.");
  }
  const textOf = (key: string) => found.find((parameter) => parameter.key === key)?.value || null;
  const forDriver = found.filter(({ key }) => driverParameters[kind].includes(key));
  return {
    tls,
    host: textOf(kind === "postgres" ? "host" : "socket"),
    port: textOf("port"),
    user: textOf("user"),
    forDriver: Object.fromEntries(forDriver.map(({ key, value }) => [key, value])),
  };
}

const isTlsParameter = (key: string) => ["sslmode", "ssl-mode", "ssl_mode", "ssl", "tls"].includes(key);

const tlsModes: Readonly<Record<string, TlsMode>> = {
  disable: "disable",
  disabled: "disable",
  false: "disable",
  "0": "disable",
  allow: "prefer",
  prefer: "prefer",
  preferred: "prefer",
  require: "require",
  required: "require",
  true: "require",
  "1": "require",
  "verify-ca": "verify-ca",
  verify_ca: "verify-ca",
  "verify-full": "verify-full",
  "verify-identity": "verify-full",
  verify_identity: "verify-full",
};

function modeOf(value: string): TlsMode | null {
  const word = value.toLowerCase();
  return Object.hasOwn(tlsModes, word) ? (tlsModes[word] ?? null) : null;
}

const driverParameters: Readonly<Record<ServerKind, readonly string[]>> = {
  postgres: ["application_name", "options", "channel_binding"],
  mysql: [],
};

/** Parameters that name a part of the address, or ask for what the sidecar does anyway. */
const followed: Readonly<Record<ServerKind, Readonly<Record<string, RegExp>>>> = {
  postgres: {
    host: /./,
    port: /^(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$/,
    user: /./,
    application_name: /./,
    options: /./,
    channel_binding: /^(?:disable|prefer|require)$/,
    target_session_attrs: /^(?:any|read-write|primary)$/,
    client_encoding: /^utf-?8$/i,
  },
  mysql: {
    socket: /^\//,
    charset: /^utf8mb4$/i,
    characterencoding: /^utf-?8(?:mb4)?$/i,
  },
};

const useCaFile = "set DATABASE_TLS_CA_FILE to the path of the certificate authority instead";
const useCertFile = "set DATABASE_TLS_CERT_FILE and DATABASE_TLS_KEY_FILE instead";
const usePoolMax = "set DATABASE_POOL_MAX instead";
const useLogin = "write it before the host instead, percent-encoded: user:password@host";
const useSslMode: Readonly<Record<ServerKind, string>> = {
  postgres: "write sslmode=disable, require, verify-ca or verify-full instead",
  mysql: "write ssl-mode=DISABLED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY instead",
};
const connectTimeout = "remove it: the sidecar waits for COHERENCE_STATEMENT_MS, and 5 seconds at most";

/** What to write in place of parameters that other libraries know. */
const replacements: Readonly<Record<string, string>> = {
  sslrootcert: useCaFile,
  sslca: useCaFile,
  "ssl-ca": useCaFile,
  ssl_ca: useCaFile,
  sslcert: useCertFile,
  sslkey: useCertFile,
  "ssl-cert": useCertFile,
  "ssl-key": useCertFile,
  sslidentity: useCertFile,
  sslpassword: "set DATABASE_TLS_KEY_FILE to a key without a passphrase instead",
  pgbouncer: "set DATABASE_PREPARE=false instead",
  prepare: "set DATABASE_PREPARE instead",
  prepared_statements: "set DATABASE_PREPARE instead",
  statement_cache_size: "set DATABASE_PREPARE instead",
  schema: "set USERS_TABLE=schema.table instead",
  currentschema: "set USERS_TABLE=schema.table instead",
  max: usePoolMax,
  connection_limit: usePoolMax,
  connectionlimit: usePoolMax,
  pool_size: usePoolMax,
  pool_timeout: connectTimeout,
  connect_timeout: connectTimeout,
  connecttimeout: connectTimeout,
  statement_timeout: "set COHERENCE_STATEMENT_MS instead",
  host: "write it before the path instead",
  port: "write it behind the host instead",
  dbname: "write the database's name as the path instead",
  user: useLogin,
  username: useLogin,
  password: useLogin,
  allowpublickeyretrieval: "remove it and write ssl-mode=REQUIRED, which makes it unnecessary",
  charset: "remove it: the sidecar speaks utf8mb4",
  characterencoding: "remove it: the sidecar speaks utf8mb4",
  client_encoding: "remove it: the sidecar speaks UTF8",
};

interface Parameter {
  readonly name: string;
  readonly key: string;
  readonly value: string;
}

/** A value may be a secret, so only the name is told; and no name that could be a piece of a password. */
function refusalOf(kind: ServerKind, { name, key, value }: Parameter): string | null {
  if (isTlsParameter(key)) {
    return modeOf(value) === null ? `has a ${name} that is not known: ${useSslMode[kind]}.` : null;
  }
  if (/^(?:use|require|verify)?(?:ssl|tls|servercertificate)|sslaccept/.test(key) && !replacements[key]) {
    return `has the parameter ${name}, which the sidecar does not follow: ${useSslMode[kind]}.`;
  }
  if (followed[kind][key]?.test(value)) return null;
  const instead = Object.hasOwn(replacements, key) ? replacements[key] : undefined;
  if (instead !== undefined)
    return `has the parameter ${name}, which the sidecar does not follow: ${instead}.`;
  if (Object.hasOwn(followed[kind], key))
    return `has a value of the parameter ${name} that the sidecar cannot follow.`;
  const named = /^[A-Za-z][A-Za-z_-]{2,40}$/.test(name) ? `the parameter ${name}` : "a parameter";
  return `has ${named}, which the sidecar does not know: remove it.`;
}
