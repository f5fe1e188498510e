import { readFileSync } from "node:fs";
import { codeOf } from "../error-code.ts";
import { Refusal, type Setting } from "./setting-kinds.ts";
import { type SettingName, type SettingValue, settings } from "./settings.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface SettingReader {
  /** What is wrong with the settings that were read so far: sentences that begin with the variable. */
  readonly problems: string[];
  /** What may be a mistake, but does not keep the sidecar from starting. */
  readonly warnings: string[];

  /** Returns the value of a setting that has a default. */
  read<Name extends SettingName>(name: Name): SettingValue<Name>;

  /** Returns the value, or `null` if the variable is not set and has no default. */
  readOptional<Name extends SettingName>(name: Name): SettingValue<Name> | null;

  /** Returns the content of the file that a variable names, or `null` if it cannot be read, which is a problem. */
  readText(variable: string, path: string): string | null;

  /** Returns whether the variable, or the one that names its file, is set. */
  isSet(name: SettingName): boolean;
}

/** Every variable that is read, including those that name a file instead of a value. */
export const settingVariables: ReadonlySet<string> = new Set(
  Object.entries<Setting<unknown>>(settings).flatMap(([name, { isSecret }]) =>
    isSecret ? [name, `${name}_FILE`] : [name],
  ),
);

const fileFaults: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "a file that does not exist."],
  ["EACCES", "a file that this account cannot read."],
  ["EISDIR", "a folder instead of a file."],
]);

/** Control and format characters, line separators, and the replacement character that stands for invalid UTF-8. */
const hiddenCharacters = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\uFFFD]/u;
const quoted = /^(["'`]).*\1$|^[“„«].*[”“»]$/;

/**
 * Reads settings by the table of `settings.ts`. A value that is wrong is added to `problems` and treated as not set,
 * so that all problems can be reported at once. No problem and no warning contains a value.
 */
export function createSettingReader(environment: Environment): SettingReader {
  const problems: string[] = [];
  const warnings: string[] = [];

  /** Returns the text of the variable or of its file, or `null` if it is not set or cannot be used. */
  function textOf(name: SettingName): string | null {
    const setting: Setting<unknown> = settings[name];
    const direct = plainText(name, environment[name] ?? "");
    const file = setting.isSecret ? plainText(`${name}_FILE`, environment[`${name}_FILE`] ?? "") : null;
    if (file === null) return direct;
    if (direct !== null) problems.push(`${name} and ${name}_FILE are both set; keep one.`);
    const content = readText(`${name}_FILE`, file);
    if (content?.trim() === "") problems.push(`${name}_FILE names a file that is empty.`);
    return content === null ? null : plainText(name, content);
  }

  /** Returns the text without white space at its ends, or `null` if nothing is left or it is refused. */
  function plainText(variable: string, text: string): string | null {
    const plain = text.trim();
    if (hiddenCharacters.test(plain)) {
      problems.push(
        `${variable} has a line break or another invisible character in it, or is not UTF-8: set it again.`,
      );
      return null;
    }
    if (quoted.test(plain)) {
      problems.push(`${variable} has quotes around its value, which would be a part of it: remove them.`);
      return null;
    }
    return plain || null;
  }

  function readOptional<Name extends SettingName>(name: Name): SettingValue<Name> | null {
    // The entries of the table have different value types. Each value was returned by the entry's own `parse`.
    const setting = settings[name] as Setting<SettingValue<Name>>;
    const text = textOf(name);
    const value = text === null ? null : setting.parse(text);
    if (value instanceof Refusal) problems.push(`${name} ${value.reason}`);
    else if (value !== null) return value;
    else if (text !== null) problems.push(`${name} must be ${setting.rule}.`);
    const parsed = setting.default === null ? null : setting.parse(setting.default);
    return parsed instanceof Refusal ? null : parsed;
  }

  function read<Name extends SettingName>(name: Name): SettingValue<Name> {
    const value = readOptional(name);
    if (value === null) throw new Error(`${name} has no default: read it with readOptional`);
    return value;
  }

  function readText(variable: string, path: string): string | null {
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      const code = codeOf(error) || "unreadable";
      problems.push(`${variable} names ${fileFaults.get(code) ?? `a file that cannot be read (${code}).`}`);
      return null;
    }
  }

  const isSet = (name: SettingName) =>
    [name, `${name}_FILE`].some((variable) => environment[variable]?.trim());

  return { read, readOptional, readText, isSet, problems, warnings };
}
