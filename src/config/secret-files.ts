import { ConfigurationInvalid } from "../errors.ts";
import {
  createSettingReader,
  type Environment,
  type SettingReader,
  settingVariables,
} from "./setting-reader.ts";

export interface NamedFile {
  /** The variable that names the file. */
  readonly variable: string;
  readonly path: string;
}

/** Returns the files that contain secrets, and the PEM files of TLS. */
export function secretFilesOf(environment: Environment): readonly NamedFile[] {
  const variables = [...settingVariables].filter(
    (variable) => settingVariables.has(variable.replace(/_FILE$/, "")) && variable.endsWith("_FILE"),
  );
  const pemFiles = [...settingVariables].filter((variable) => /_TLS_(?:CA|CERT|KEY)_FILE$/.test(variable));
  return [...variables, ...pemFiles].flatMap((variable) => {
    const path = environment[variable]?.trim();
    return path ? [{ variable, path }] : [];
  });
}

/**
 * Reads settings again while the sidecar runs, after the file of a secret has changed. `warn` is called with the
 * warnings that a start would log.
 *
 * @throws {ConfigurationInvalid} one of them is wrong
 */
export function readAgain<Value>(
  environment: Environment,
  read: (reader: SettingReader) => Value,
  warn: (warning: string) => void,
): Value {
  const reader = createSettingReader(environment);
  const value = read(reader);
  if (reader.problems.length > 0) throw new ConfigurationInvalid([...new Set(reader.problems)]);
  reader.warnings.forEach(warn);
  return value;
}
