import { parseDatabaseAddress } from "./database-address.ts";
import { parseRedisAddresses } from "./redis-address.ts";
import {
  anyText,
  columnName,
  hostName,
  matching,
  oneOf,
  port,
  type Refusal,
  type Setting,
  trueOrFalse,
  wholeNumber,
} from "./setting-kinds.ts";
import { parseSharedSecrets } from "./shared-secrets.ts";

/** The configuration, in the order of the README's table. `setting-reader.ts` reads it and nothing else does. */
export const settings = {
  HOST: hostName("127.0.0.1"),
  PORT: port("3300"),
  OPS_HOST: hostName("127.0.0.1"),
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
  KEEP_ALIVE_SECONDS: wholeNumber("75", 1, 236),
  DATABASE_URL: {
    fallback: "sqlite:./data/ownid.db",
    rule: 'an address such as "postgres://user:password@host/database", "mysql://…", "mariadb://…" or "sqlite:./file.db"',
    parse: parseDatabaseAddress,
    isSecret: true,
  },
  DATABASE_POOL_MAX: wholeNumber("10", 1, 1000),
  DATABASE_PREPARE: trueOrFalse("true"),
  DATABASE_TLS_CA_FILE: anyText(null),
  DATABASE_TLS_CERT_FILE: anyText(null),
  DATABASE_TLS_KEY_FILE: anyText(null),
  REDIS_URL: {
    fallback: null,
    rule: 'one or more addresses, comma-separated, such as "redis://user:password@host:6379" or "rediss://…"',
    parse: parseRedisAddresses,
    isSecret: true,
  },
  REDIS_MODE: oneOf("single", ["single", "cluster", "sentinel"]),
  REDIS_SENTINEL_MASTER: anyText(null),
  REDIS_SENTINEL_USERNAME: anyText(null),
  REDIS_SENTINEL_PASSWORD: { ...anyText(null), isSecret: true },
  REDIS_SENTINEL_TLS: trueOrFalse(null),
  REDIS_TLS_CA_FILE: anyText(null),
  REDIS_TLS_CERT_FILE: anyText(null),
  REDIS_TLS_KEY_FILE: anyText(null),
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
  USERS_LOGIN_ID_COLUMN: columnName("email"),
  USERS_OWNID_DATA_COLUMN: columnName("ownIdData"),
  USERS_BLOCKED_COLUMN: columnName(null),
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
export type SettingValue<Name extends SettingName> = Exclude<
  ReturnType<(typeof settings)[Name]["parse"]>,
  Refusal | null
>;
