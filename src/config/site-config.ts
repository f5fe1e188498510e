import { Secret } from "./secret.ts";
import { isExposed } from "./session-url.ts";
import type { SettingReader } from "./setting-reader.ts";

const settingsOfHttp = ["SESSION_URL", "SESSION_URL_SECRET"] as const;

/** Reads which endpoint of the site makes the sessions; `null` = the sidecar issues tokens itself. */
export function readSite(reader: SettingReader, isProduction: boolean) {
  const { read, readOptional, isSet, problems, warnings } = reader;
  const url = readOptional("SESSION_URL");
  const secrets = readSiteSecrets(reader);
  const timeoutMs = read("SESSION_URL_TIMEOUT_MS");
  if (read("SESSION_PROVIDER") === "jwt") {
    const unused = settingsOfHttp.filter(isSet);
    warnings.push(...unused.map((name) => `${name} is set, but SESSION_PROVIDER=jwt does not use it.`));
    return null;
  }
  const missing = settingsOfHttp.filter((name) => !isSet(name));
  problems.push(...missing.map((name) => `${name} must be set, since SESSION_PROVIDER is http.`));
  if (read("SESSION_HANDOFF") === "exchange") {
    problems.push(
      "SESSION_HANDOFF must be off, since SESSION_PROVIDER is http: only the sidecar's own tokens can be exchanged.",
    );
  }
  if (url !== null && isExposed(url)) {
    const sentence =
      "SESSION_URL must begin with https:// unless its host is this machine, because the requests name users and the answers are their sessions.";
    (isProduction ? problems : warnings).push(sentence);
  }
  return { url: url?.href ?? "", timeoutMs, secrets: new Secret(secrets) };
}

/** Reads the secrets that the requests to the site are signed with. */
export function readSiteSecrets({ readOptional }: SettingReader): readonly Uint8Array[] {
  return readOptional("SESSION_URL_SECRET") ?? [];
}
