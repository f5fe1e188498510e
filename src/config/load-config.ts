import { ConfigurationInvalid } from "../errors.ts";
import { readCoherence } from "./coherence-config.ts";
import { readDatabase } from "./database-config.ts";
import { installationOf } from "./installation.ts";
import { readRedis } from "./redis-config.ts";
import { Secret } from "./secret.ts";
import { readKeySettings, readSessions } from "./session-config.ts";
import { createSettingReader, type Environment, type SettingReader } from "./setting-reader.ts";
import type { SettingName, SettingValue } from "./settings.ts";
import { readSignature } from "./signature-config.ts";
import { judgeTlsVerification } from "./tls-verification.ts";
import { warnOfNearNames } from "./unused-names.ts";

export type Config = ReturnType<typeof loadConfig>;

/**
 * Reads the whole configuration from the environment. Nothing else does. The result is frozen, and its secrets print
 * as `[redacted]`.
 *
 * `createSharedSecret` returns a secret if none is configured; it is called only in development.
 *
 * @throws {ConfigurationInvalid} with every problem at once; none of them contains a value
 */
export function loadConfig(environment: Environment, createSharedSecret: () => Uint8Array) {
  const reader = createSettingReader(environment);
  const { read, problems, warnings } = reader;
  const isProduction = read("NODE_ENV") === "production";
  const nearNames = warnOfNearNames(environment);
  warnings.push(...nearNames);

  const config = {
    isProduction,
    warnings,
    publicListener: readPublicListener(reader),
    opsListener: { host: read("OPS_HOST"), port: read("OPS_PORT") },
    keepAliveSeconds: readKeepAliveSeconds(reader),
    signature: readSignature(reader, isProduction, createSharedSecret),
    requests: readRequests(reader),
    database: readDatabase(reader, isProduction),
    redis: readRedis(reader),
    coherence: readCoherence(reader),
    replayProtection: read("REPLAY_PROTECTION") === "all",
    adminToken: new Secret(reader.readOptional("ADMIN_TOKEN")),
    backendToken: new Secret(reader.readOptional("BACKEND_TOKEN")),
    sessions: readSessions(reader, isProduction),
    drainSeconds: read("DRAIN_SECONDS"),
    auditLog: reader.readOptional("AUDIT_LOG"),
    log: { level: read("LOG_LEVEL"), format: reader.readOptional("LOG_FORMAT") },
  } as const;
  const installationName = reader.readOptional("REDIS_INSTALLATION");

  reportTlsVerification(reader, environment, config);
  warnOfSharedToken(reader);
  // A setting that is read twice has one problem. A misspelled name may be the cause of another problem.
  if (problems.length > 0) throw new ConfigurationInvalid([...new Set(problems), ...nearNames]);
  const { kind, url, names } = config.database;
  /** Tells Redis whose users these are. */
  const installation = installationOf({ kind, url: url.reveal(), names, name: installationName });
  return deepFreeze({ ...config, installation } as const);
}

/**
 * Reads a single setting, for a command that works before the other settings are right.
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

/**
 * Reads what the command for the signing keys needs. It works before the rest of the configuration is right.
 *
 * @throws {ConfigurationInvalid} names each of these settings that is wrong
 */
export function loadKeySettings(environment: Environment) {
  const reader = createSettingReader(environment);
  const keySettings = readKeySettings(reader);
  if (reader.problems.length > 0) throw new ConfigurationInvalid(reader.problems);
  return keySettings;
}

export type KeySettings = ReturnType<typeof loadKeySettings>;

function readPublicListener({ read }: SettingReader) {
  return {
    host: read("HOST"),
    port: read("PORT"),
    basePath: read("BASE_PATH").replace(/^\/$/, ""),
    bodyBytesMax: read("BODY_BYTES_MAX"),
  };
}

function readRequests({ read }: SettingReader) {
  return {
    loginIdCase: read("LOGIN_ID_CASE"),
    requireSessionType: read("REQUIRE_SESSION_TYPE"),
    compatErrorCode404: read("COMPAT_ERROR_CODE_404"),
  };
}

/** A connection that waits for its answer counts as idle, and a write may take twice as long as a statement. */
function readKeepAliveSeconds({ read, problems }: SettingReader): number {
  const seconds = read("KEEP_ALIVE_SECONDS");
  const siteMs = read("SESSION_PROVIDER") === "http" ? read("SESSION_URL_TIMEOUT_MS") : 0;
  const leastMs = 2 * read("COHERENCE_STATEMENT_MS") + siteMs + 1000;
  if (seconds * 1000 <= leastMs) {
    const site = siteMs === 0 ? "" : " plus SESSION_URL_TIMEOUT_MS";
    problems.push(
      `KEEP_ALIVE_SECONDS must exceed twice COHERENCE_STATEMENT_MS${site} plus one second, which is ${leastMs / 1000}.`,
    );
  }
  return seconds;
}

/** The administrator's token opens every path of the ops listener, so the site's backend should not have it. */
function warnOfSharedToken({ readOptional, warnings }: SettingReader): void {
  const token = readOptional("BACKEND_TOKEN");
  if (token === null || token !== readOptional("ADMIN_TOKEN")) return;
  warnings.push("BACKEND_TOKEN is the same as ADMIN_TOKEN, so whoever has it may also revoke and erase.");
}

function reportTlsVerification(
  { problems, warnings }: SettingReader,
  environment: Environment,
  {
    isProduction,
    database,
    redis,
    sessions,
  }: Pick<Config, "isProduction" | "database" | "redis" | "sessions">,
): void {
  const { nodes = [], sentinelTls = null } = redis?.connection.reveal() ?? {};
  const usesTls =
    database.tls.reveal().mode !== "disable" ||
    nodes.some(({ tls }) => tls) ||
    sentinelTls === true ||
    sessions.site?.url.startsWith("https:") === true;
  const verdict = judgeTlsVerification(environment, { isProduction, usesTls });
  if (verdict !== null) (verdict.isWrong ? problems : warnings).push(verdict.sentence);
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null && !(value instanceof Secret)) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
