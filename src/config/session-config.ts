import { existsSync } from "node:fs";
import { Secret } from "./secret.ts";
import type { SettingReader } from "./setting-reader.ts";
import type { SettingName } from "./settings.ts";
import { readSite } from "./site-config.ts";

export function readSessions(reader: SettingReader, isProduction: boolean) {
  const { read } = reader;
  const keySettings = readKeySettings(reader);
  const site = readSite(reader, isProduction);
  if (isProduction && site === null) reportMissingKeys(reader, keySettings);
  return {
    ...keySettings,
    /** The endpoint of `SESSION_PROVIDER=http`; `null` = the sidecar issues tokens. */
    site,
    /** The key of HS256; `null` for every other algorithm, and if the sidecar issues no tokens. */
    secret: new Secret(site === null ? readSessionSecret(reader) : null),
    issuer: read("SESSION_ISSUER"),
    audience: read("SESSION_AUDIENCE"),
    tokenType: read("SESSION_TOKEN_TYPE"),
    ...readSessionColumns(reader),
    stateFile: read("STATE_FILE"),
    cookie: read("SESSION_COOKIE"),
    handsOff: readHandoff(reader),
  };
}

/** Reads which columns of the user's row a session is made of besides the login id. */
export function readSessionColumns(reader: SettingReader) {
  const { read, readOptional, problems } = reader;
  const subjectColumn = readOptional("SESSION_SUBJECT_COLUMN");
  const claims = readOptional("SESSION_CLAIMS") ?? [];
  const ownIdDataColumn = read("USERS_OWNID_DATA_COLUMN");
  const refuse = (variable: SettingName) =>
    problems.push(`${variable} names the column of OwnID's data, which no token may carry.`);
  if (subjectColumn === ownIdDataColumn) refuse("SESSION_SUBJECT_COLUMN");
  if (claims.some(({ column }) => column === ownIdDataColumn)) refuse("SESSION_CLAIMS");
  // The login id is the subject anyway.
  return { subjectColumn: subjectColumn === read("USERS_LOGIN_ID_COLUMN") ? null : subjectColumn, claims };
}

/** Reads the settings that determine the keys and how long each of them is needed. */
export function readKeySettings({ read, readOptional }: SettingReader) {
  return {
    algorithm: read("SESSION_ALG"),
    keysFile: read("SESSION_KEYS_FILE"),
    jwksMaxAgeSeconds: read("JWKS_MAX_AGE_SECONDS"),
    ttlSeconds: read("SESSION_TTL_SECONDS"),
    ttlSecondsByType: {
      browser: readOptional("SESSION_TTL_SECONDS_BROWSER"),
      mobile: readOptional("SESSION_TTL_SECONDS_MOBILE"),
    },
    handoffTtlSeconds: read("SESSION_HANDOFF_TTL_SECONDS"),
  };
}

export function readSessionSecret({
  read,
  readOptional,
  isSet,
  problems,
  warnings,
}: SettingReader): Uint8Array | null {
  const algorithm = read("SESSION_ALG");
  const secret = readOptional("SESSION_SECRET");
  if (algorithm !== "HS256") {
    if (secret !== null)
      warnings.push(`SESSION_SECRET is set, but SESSION_ALG=${algorithm} does not use it.`);
    return null;
  }
  if (!isSet("SESSION_SECRET")) problems.push("SESSION_SECRET must be set, since SESSION_ALG is HS256.");
  return secret;
}

function readHandoff(reader: SettingReader): boolean {
  const handsOff = reader.read("SESSION_HANDOFF") === "exchange";
  if (handsOff && !reader.isSet("BACKEND_TOKEN") && !reader.isSet("ADMIN_TOKEN")) {
    reader.problems.push(
      "BACKEND_TOKEN must be set, since SESSION_HANDOFF is exchange: without it nobody can exchange a token.",
    );
  }
  return handsOff;
}

function reportMissingKeys(
  { problems }: SettingReader,
  { algorithm, keysFile }: ReturnType<typeof readKeySettings>,
): void {
  if (algorithm === "HS256" || existsSync(keysFile)) return;
  problems.push("SESSION_KEYS_FILE names a file that does not exist. Make one with: bun run keys generate");
}
