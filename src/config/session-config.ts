import { existsSync } from "node:fs";
import type { SettingReader } from "./setting-reader.ts";

export function readSessions(reader: SettingReader, isProduction: boolean) {
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
    stateFile: read("STATE_FILE"),
    cookie: read("SESSION_COOKIE"),
    handsOff: readHandoff(reader),
    handoffTtlSeconds: read("SESSION_HANDOFF_TTL_SECONDS"),
  };
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

function readKeysFile(reader: SettingReader, isProduction: boolean): string {
  const path = reader.read("SESSION_KEYS_FILE");
  if (isProduction && !existsSync(path)) {
    reader.problems.push(
      "SESSION_KEYS_FILE names a file that does not exist. Make one with: bun run keys generate",
    );
  }
  return path;
}
