import { takeEnvironment } from "../src/config/environment.ts";
import type { Environment } from "../src/config/setting-reader.ts";

/**
 * Returns the settings as the sidecar itself sees them: from the environment, then from `.env` in the working
 * directory.
 *
 * @throws {ConfigurationInvalid} `.env` is ambiguous
 */
export function commandEnvironment(): Environment {
  takeEnvironment(process.env, process.cwd());
  return process.env;
}
