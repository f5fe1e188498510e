import { takeEnvironment } from "../src/config/environment.ts";
import { type Config, loadConfig } from "../src/config/load-config.ts";
import type { Environment } from "../src/config/setting-reader.ts";
import { developmentSharedSecret } from "../src/process/development.ts";

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

/**
 * Returns the configuration as the sidecar itself reads it. Outside production, the shared secret that the sidecar has
 * generated is used, or one is generated.
 *
 * @throws {ConfigurationInvalid}
 */
export function commandConfig(): Config {
  return loadConfig(commandEnvironment(), developmentSharedSecret);
}
