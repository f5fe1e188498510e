/** One environment variable: what it means, what it is when not set, and which texts it takes. */
export interface Setting<Value> {
  /** In the words of the README's table; `null` = not set. */
  readonly fallback: string | null;
  /** Completes the sentence "NAME must be …". */
  readonly rule: string;
  /** `null` when the text breaks the rule. */
  readonly parse: (text: string) => Value | null;
  /** The value may come from a file named by the same variable with `_FILE`. */
  readonly isSecret?: true;
}

export type DatabaseKind = "sqlite" | "postgres" | "mysql";

export interface DatabaseAddress {
  readonly kind: DatabaseKind;
  /** For SQLite, the file's path. */
  readonly url: string;
}

const port = (fallback: string) => wholeNumber(fallback, 0, 65_535);
const host = (fallback: string) => matching(fallback, /^[A-Za-z0-9.:_-]+$/, "a host name or an IP address");
const identifier = (fallback: string | null) =>
  matching(fallback, /^[\p{L}\p{N}_$ .-]{1,128}$/u, "a column's name, without quotes");

/** The configuration, in the order of the README's table. `setting-reader.ts` reads it and nothing else does. */
export const settings = {
  HOST: host("127.0.0.1"),
  PORT: port("3300"),
  OPS_HOST: host("127.0.0.1"),
  OPS_PORT: port("3301"),
  BASE_PATH: matching(
    "/ownid",
    /^(?:\/|(?:\/[A-Za-z0-9._~-]+)+)$/,
    'a path such as "/ownid", without a trailing slash',
  ),
  OWNID_SHARED_SECRET: {
    fallback: null,
    rule: "the Shared Secret of OwnID's console: base64 of 16 bytes or more (two, comma-separated, during a rotation)",
    parse: parseSharedSecrets,
    isSecret: true,
  },
  SIGNATURE_MAX_AGE_SECONDS: wholeNumber("60", 1, 3600),
  REQUIRE_SESSION_TYPE: trueOrFalse("false"),
  COMPAT_ERROR_CODE_404: trueOrFalse("false"),
  LOGIN_ID_CASE: oneOf("exact", ["exact", "lower"]),
  BODY_BYTES_MAX: wholeNumber("65536", 1024, 16_777_216),
  DATABASE_URL: {
    fallback: "sqlite:./data/ownid.db",
    rule: 'an address such as "postgres://user:password@host/database", "mysql://…", "mariadb://…" or "sqlite:./file.db"',
    parse: parseDatabaseAddress,
    isSecret: true,
  },
  DATABASE_POOL_MAX: wholeNumber("10", 1, 1000),
  DATABASE_PREPARE: trueOrFalse("true"),
  DATABASE_TLS_CA_FILE: anyText(null),
  REDIS_URL: {
    fallback: null,
    rule: 'one or more addresses, comma-separated, such as "redis://user:password@host:6379" or "rediss://…"',
    parse: parseRedisAddresses,
    isSecret: true,
  },
  REDIS_MODE: oneOf("single", ["single", "cluster", "sentinel"]),
  REDIS_SENTINEL_MASTER: anyText(null),
  REDIS_SENTINEL_PASSWORD: { ...anyText(null), isSecret: true },
  REDIS_TLS_CA_FILE: anyText(null),
  REDIS_KEY_PREFIX: matching("ownid:", /^[^\s{}]{0,64}$/, "at most 64 characters without blanks and braces"),
  REDIS_TTL_SECONDS: wholeNumber("3600", 0, 31_536_000),
  REPLAY_PROTECTION: oneOf("all", ["all", "off"]),
  AUDIT_SHARE: {
    fallback: "0",
    rule: "a number from 0 to 1",
    parse: (text: string) => (/^(?:0(?:\.\d+)?|1(?:\.0+)?)$/.test(text) ? Number(text) : null),
  },
  USERS_TABLE: matching(
    "users",
    /^[\p{L}\p{N}_$ -]{1,128}(?:\.[\p{L}\p{N}_$ -]{1,128})?$/u,
    'a table\'s name, or "schema.table", without quotes',
  ),
  USERS_LOGIN_ID_COLUMN: identifier("email"),
  USERS_OWNID_DATA_COLUMN: identifier("ownIdData"),
  USERS_BLOCKED_COLUMN: identifier(null),
  COHERENCE_STATEMENT_MS: wholeNumber("5000", 50, 60_000),
  COHERENCE_TOKEN_MS: wholeNumber("10000", 100, 600_000),
  COHERENCE_QUARANTINE_MS: wholeNumber("900000", 1000, 86_400_000),
  COHERENCE_GRACE_MS: wholeNumber("15000", 0, 600_000),
  ADMIN_TOKEN: {
    fallback: null,
    rule: "32 or more visible ASCII characters, without blanks",
    parse: (text: string) => (/^[\x21-\x7e]{32,}$/.test(text) ? text : null),
    isSecret: true,
  },
  SESSION_KEYS_FILE: anyText("./data/session-keys.json"),
  SESSION_ISSUER: anyText("ownid-sidecar"),
  SESSION_AUDIENCE: anyText("website"),
  SESSION_TTL_SECONDS: wholeNumber("3600", 1, 31_536_000),
  SESSION_TTL_SECONDS_BROWSER: wholeNumber(null, 1, 31_536_000),
  SESSION_TTL_SECONDS_MOBILE: wholeNumber(null, 1, 31_536_000),
  JWKS_MAX_AGE_SECONDS: wholeNumber("300", 0, 86_400),
  DRAIN_SECONDS: wholeNumber("5", 0, 600),
  LOG_LEVEL: oneOf("info", ["trace", "debug", "info", "warn", "error", "fatal", "silent"]),
  LOG_FORMAT: oneOf(null, ["json", "pretty"]),
  NODE_ENV: oneOf("development", ["development", "test", "production"]),
} as const satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof settings;
export type SettingValue<Name extends SettingName> = NonNullable<
  ReturnType<(typeof settings)[Name]["parse"]>
>;

function anyText(fallback: string | null): Setting<string> {
  return { fallback, rule: "a text", parse: (text) => text };
}

function matching(fallback: string | null, pattern: RegExp, rule: string): Setting<string> {
  return { fallback, rule, parse: (text) => (pattern.test(text) ? text : null) };
}

function wholeNumber(fallback: string | null, min: number, max: number): Setting<number> {
  return {
    fallback,
    rule: `a whole number from ${min} to ${max}`,
    parse: (text) => {
      const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return number >= min && number <= max ? number : null;
    },
  };
}

function trueOrFalse(fallback: string): Setting<boolean> {
  return {
    fallback,
    rule: "true or false",
    parse: (text) => (text === "true" ? true : text === "false" ? false : null),
  };
}

function oneOf<const Choice extends string>(
  fallback: Choice | null,
  choices: readonly Choice[],
): Setting<Choice> {
  return {
    fallback,
    rule: `one of ${choices.join(", ")}`,
    parse: (text) => choices.find((choice) => choice === text) ?? null,
  };
}

const sharedSecretsMax = 2;
const sharedSecretBytesMin = 16;

function parseSharedSecrets(text: string): Uint8Array[] | null {
  const spellings = text.split(",").map((spelling) => spelling.trim());
  if (spellings.length > sharedSecretsMax) return null;
  if (!spellings.every((spelling) => /^[A-Za-z0-9+/]+={0,2}$/.test(spelling))) return null;
  const secrets = spellings.map((spelling) => new Uint8Array(Buffer.from(spelling, "base64")));
  return secrets.every((secret) => secret.length >= sharedSecretBytesMin) ? secrets : null;
}

const databaseKinds: Record<string, DatabaseKind> = {
  sqlite: "sqlite",
  postgres: "postgres",
  postgresql: "postgres",
  mysql: "mysql",
  mariadb: "mysql",
};

function parseDatabaseAddress(url: string): DatabaseAddress | null {
  const scheme = url.slice(0, Math.max(0, url.indexOf(":")));
  const kind = databaseKinds[scheme];
  if (kind === undefined) return null;
  if (kind === "sqlite") return parseSqliteFile(url);
  return URL.canParse(url) && new URL(url).hostname !== "" ? { kind, url } : null;
}

/** `sqlite:relative.db`, `sqlite:/absolute.db` or `sqlite:///absolute.db`. */
function parseSqliteFile(url: string): DatabaseAddress | null {
  const path = url.replace(/^sqlite:(?:\/\/(?=\/))?/, "");
  return path === "" || path === ":memory:" || path.startsWith("//") ? null : { kind: "sqlite", url: path };
}

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly username: string | null;
  readonly password: string | null;
  readonly database: number;
  readonly tls: boolean;
}

const redisPort = 6379;

function parseRedisAddresses(text: string): RedisAddress[] | null {
  const addresses = text.split(",").map((address) => parseRedisAddress(address.trim()));
  return addresses.every((address) => address !== null) ? addresses : null;
}

function parseRedisAddress(text: string): RedisAddress | null {
  const url = /^rediss?:\/\//.test(text) && URL.canParse(text) ? new URL(text) : null;
  const database = /^\/?(\d{0,4})$/.exec(url?.pathname ?? "none");
  const [username, password] = [decode(url?.username ?? ""), decode(url?.password ?? "")];
  if (url === null || url.hostname === "" || database === null) return null;
  if (username === null || password === null) return null;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? redisPort : Number(url.port),
    username: username || null,
    password: password || null,
    database: Number(database[1] ?? 0),
    tls: url.protocol === "rediss:",
  };
}

/** `null` when a percent sign stands for itself. */
function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
