import type { Setting } from "../../src/config/setting-kinds.ts";
import type { Environment } from "../../src/config/setting-reader.ts";
import { settings } from "../../src/config/settings.ts";
import { sharedSecretFile } from "../../src/process/development.ts";
import type { ExaminedConfig } from "./examined-config.ts";
import type { Files } from "./file-checks.ts";

const suffix = "_FILE";

/**
 * Returns every file that the environment names and that contains a secret, and the one that development has
 * generated.
 */
export function secretFiles({ config }: ExaminedConfig, environment: Environment): Files["secrets"] {
  const named = Object.entries(environment).flatMap(([variable, path]) =>
    path && holdsSecret(variable) ? [{ variable, path }] : [],
  );
  const made = { variable: "OWNID_SHARED_SECRET", path: sharedSecretFile };
  return config.signature.isGenerated ? [...named, made] : named;
}

/** Returns whether it is the file of a secret setting, or a private key of TLS. */
function holdsSecret(variable: string): boolean {
  if (!variable.endsWith(suffix)) return false;
  const secrets = Object.entries<Setting<unknown>>(settings).filter(([, setting]) => setting.isSecret);
  const names = secrets.map(([name]) => name + suffix);
  return (
    names.includes(variable) || (Object.hasOwn(settings, variable) && variable.endsWith("_TLS_KEY_FILE"))
  );
}
