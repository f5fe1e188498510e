import { existsSync } from "node:fs";
import { ConfigurationInvalid } from "../errors.ts";
import { Secret } from "./secret.ts";
import { createSettingReader, type Environment, type SettingReader } from "./setting-reader.ts";
import type { DatabaseAddress, SettingName, SettingValue } from "./settings.ts";

export type Config = ReturnType<typeof loadConfig>;

/** The secret of OwnID's published test vectors: everyone knows it. */
export const publishedSecret = Buffer.from("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "base64");
const sharedSecretBytesAdvised = 32;

/** Settings of the finished product that this version does not read yet. */
const notYetRead = [
  "AUDIT_LOG",
  "SESSION_ALG",
  "SESSION_SECRET",
  "SESSION_CLAIMS",
  "SESSION_SUBJECT_COLUMN",
  "SESSION_HANDOFF",
  "BACKEND_TOKEN",
  "STATE_FILE",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
];

/**
 * Reads the whole configuration from the environment: the only place that does. The result is frozen, and
 * its secrets print as `[redacted]`.
 *
 * `createSharedSecret` provides the secret when there is none; outside development it is not called.
 *
 * @throws {ConfigurationInvalid} with every problem at once; none of them contains a value
 */
export function loadConfig(environment: Environment, createSharedSecret: () => Uint8Array) {
  const reader = createSettingReader(environment);
  const { read, problems, warnings } = reader;
  const isProduction = read("NODE_ENV") === "production";
  for (const name of notYetRead)
    if (environment[name]) warnings.push(`${name} is set, but this version does not use it yet`);

  const config = {
    isProduction,
    warnings,
    publicListener: readPublicListener(reader),
    opsListener: { host: read("OPS_HOST"), port: read("OPS_PORT") },
    signature: readSignature(reader, isProduction, createSharedSecret),
    requests: {
      loginIdCase: read("LOGIN_ID_CASE"),
      requireSessionType: read("REQUIRE_SESSION_TYPE"),
      compatErrorCode404: read("COMPAT_ERROR_CODE_404"),
    },
    database: readDatabase(reader, isProduction),
    redis: readRedis(reader),
    coherence: readCoherence(reader),
    replayProtection: read("REPLAY_PROTECTION") === "all",
    adminToken: new Secret(reader.readOptional("ADMIN_TOKEN")),
    sessions: readSessions(reader, isProduction),
    drainSeconds: read("DRAIN_SECONDS"),
    log: { level: read("LOG_LEVEL"), format: reader.readOptional("LOG_FORMAT") },
  } as const;

  // A setting that is read twice has one problem.
  if (problems.length > 0) throw new ConfigurationInvalid([...new Set(problems)]);
  return deepFreeze(config);
}

/**
 * One setting on its own, for a command that works before the rest is right.
 *
 * @throws {ConfigurationInvalid} the value breaks its rule
 */
export function loadSetting<Name extends SettingName>(
  environment: Environment,
  name: Name,
): SettingValue<Name> {
  const { read, problems } = createSettingReader(environment);
  const value = read(name);
  if (problems.length > 0) throw new ConfigurationInvalid(problems);
  return value;
}

function readPublicListener({ read }: SettingReader) {
  return {
    host: read("HOST"),
    port: read("PORT"),
    basePath: read("BASE_PATH").replace(/^\/$/, ""),
    bodyBytesMax: read("BODY_BYTES_MAX"),
  };
}

function readSignature(reader: SettingReader, isProduction: boolean, createSharedSecret: () => Uint8Array) {
  return {
    sharedSecrets: new Secret(readSharedSecrets(reader, isProduction, createSharedSecret)),
    /** Whether development made the secret. */
    isGenerated: !isProduction && !reader.isSet("OWNID_SHARED_SECRET"),
    toleranceSeconds: reader.read("SIGNATURE_MAX_AGE_SECONDS"),
  };
}

function readSharedSecrets(
  reader: SettingReader,
  isProduction: boolean,
  createSharedSecret: () => Uint8Array,
): readonly Uint8Array[] {
  const { problems, warnings } = reader;
  const secrets = reader.readOptional("OWNID_SHARED_SECRET");
  if (secrets === null) {
    if (reader.isSet("OWNID_SHARED_SECRET")) return [];
    if (!isProduction) return [createSharedSecret()];
    problems.push("OWNID_SHARED_SECRET must be set in production: copy it from OwnID's console.");
    return [];
  }
  if (isProduction && secrets.some((secret) => publishedSecret.equals(secret))) {
    problems.push(
      "OWNID_SHARED_SECRET is a published sample that anyone can sign with: use your application's own.",
    );
  }
  if (secrets.some((secret) => secret.length < sharedSecretBytesAdvised)) {
    warnings.push("OWNID_SHARED_SECRET is shorter than 32 bytes; ask OwnID for a longer one");
  }
  return secrets;
}

function readDatabase(reader: SettingReader, isProduction: boolean) {
  const { read } = reader;
  return {
    ...readDatabaseAddress(reader, isProduction),
    poolMax: read("DATABASE_POOL_MAX"),
    prepare: read("DATABASE_PREPARE"),
    tlsCa: readTlsCa(reader, "DATABASE_TLS_CA_FILE"),
    names: {
      table: read("USERS_TABLE"),
      loginIdColumn: read("USERS_LOGIN_ID_COLUMN"),
      ownIdDataColumn: read("USERS_OWNID_DATA_COLUMN"),
      blockedColumn: reader.readOptional("USERS_BLOCKED_COLUMN"),
    },
  };
}

function readDatabaseAddress(reader: SettingReader, isProduction: boolean) {
  const { kind, url }: DatabaseAddress = reader.read("DATABASE_URL");
  const isWrong = reader.problems.some((problem) => problem.startsWith("DATABASE_URL"));
  if (kind === "sqlite" && isProduction && !isWrong && !existsSync(url)) {
    reader.problems.push(
      `DATABASE_URL ${reader.isSet("DATABASE_URL") ? "names" : "is not set, and its default is"} an SQLite file that does not exist.`,
    );
  }
  /** Nothing is configured, so development makes a database to try. */
  const isDemo = !isProduction && !reader.isSet("DATABASE_URL");
  return { kind, url: new Secret(url), isDemo };
}

function readTlsCa(
  reader: SettingReader,
  variable: "DATABASE_TLS_CA_FILE" | "REDIS_TLS_CA_FILE",
): string | null {
  const path = reader.readOptional(variable);
  return path === null ? null : reader.readText(variable, path);
}

function readRedis(reader: SettingReader) {
  const [first, ...others] = reader.readOptional("REDIS_URL") ?? [];
  const mode = reader.read("REDIS_MODE");
  const sentinelMaster = reader.readOptional("REDIS_SENTINEL_MASTER");
  if (mode !== "single" && first === undefined && !reader.isSet("REDIS_URL")) {
    reader.problems.push(`REDIS_URL must name the first nodes, since REDIS_MODE is ${mode}.`);
  }
  if (mode === "single" && others.length > 0) {
    reader.problems.push("REDIS_URL has several addresses, so REDIS_MODE must be cluster or sentinel.");
  }
  if (mode === "sentinel" && sentinelMaster === null) {
    reader.problems.push("REDIS_SENTINEL_MASTER must name the master, since REDIS_MODE is sentinel.");
  }
  // Before the return, so that their problems are reported together with REDIS_URL's.
  const sentinelPassword = reader.readOptional("REDIS_SENTINEL_PASSWORD");
  const tlsCa = readTlsCa(reader, "REDIS_TLS_CA_FILE");
  const keyPrefix = reader.read("REDIS_KEY_PREFIX");
  if (first === undefined) return null;
  if (tlsCa !== null && !first.tls) {
    reader.warnings.push(
      "REDIS_TLS_CA_FILE is set, but REDIS_URL begins with redis://, so nothing is encrypted: write rediss://",
    );
  }
  const nodes = [first, ...others] as const;
  return { connection: new Secret({ mode, nodes, sentinelMaster, sentinelPassword, tlsCa }), keyPrefix };
}

function readCoherence(reader: SettingReader) {
  const { read } = reader;
  return {
    statementMs: read("COHERENCE_STATEMENT_MS"),
    tokenLifeMs: read("COHERENCE_TOKEN_MS"),
    markerLifeMs: readMoreThanFence(reader, "COHERENCE_QUARANTINE_MS"),
    graceMs: readMoreThanFence(reader, "COHERENCE_GRACE_MS"),
    valueLifeMs: read("REDIS_TTL_SECONDS") * 1000,
    auditShare: read("AUDIT_SHARE"),
  };
}

/** A write may take effect until 2D after it read the row: so long its marker must stand, and nobody may fill. */
function readMoreThanFence(
  reader: SettingReader,
  name: "COHERENCE_GRACE_MS" | "COHERENCE_QUARANTINE_MS",
): number {
  const milliseconds = reader.read(name);
  const leastMs = 2 * reader.read("COHERENCE_STATEMENT_MS") + 1000;
  if (milliseconds <= leastMs) {
    reader.problems.push(
      `${name} must be more than twice COHERENCE_STATEMENT_MS and a second: over ${leastMs}.`,
    );
  }
  return milliseconds;
}

function readSessions(reader: SettingReader, isProduction: boolean) {
  const { read, readOptional } = reader;
  return {
    keysFile: readKeysFile(reader, isProduction),
    issuer: read("SESSION_ISSUER"),
    audience: read("SESSION_AUDIENCE"),
    ttlSeconds: read("SESSION_TTL_SECONDS"),
    ttlSecondsByType: {
      browser: readOptional("SESSION_TTL_SECONDS_BROWSER"),
      mobile: readOptional("SESSION_TTL_SECONDS_MOBILE"),
    },
    jwksMaxAgeSeconds: read("JWKS_MAX_AGE_SECONDS"),
  };
}

function readKeysFile(reader: SettingReader, isProduction: boolean): string {
  const path = reader.read("SESSION_KEYS_FILE");
  if (isProduction && !existsSync(path)) {
    reader.problems.push(
      "SESSION_KEYS_FILE names a file that does not exist. Make one with: bun run keys generate",
    );
  }
  return path;
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null && !(value instanceof Secret)) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
