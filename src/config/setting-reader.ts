import { readFileSync } from "node:fs";
import type { Setting } from "./setting-kinds.ts";
import { type SettingName, type SettingValue, settings } from "./settings.ts";

export type Environment = Readonly<Record<string, string | undefined>>;
export type SettingReader = ReturnType<typeof createSettingReader>;

/**
 * Reads settings by the table of `settings.ts`. What is wrong is noted under `problems` and read as if it were not
 * set, so that all of it can be told at once; no problem and no warning contains a value.
 */
export function createSettingReader(environment: Environment) {
  const problems: string[] = [];
  const warnings: string[] = [];

  function textOf(name: SettingName): string | null {
    const setting: Setting<unknown> = settings[name];
    const direct = environment[name] || null;
    const file = setting.isSecret ? environment[`${name}_FILE`] || null : null;
    if (file === null) return direct;
    if (direct !== null) problems.push(`${name} and ${name}_FILE are both set; keep one.`);
    return readText(`${name}_FILE`, file)?.trim() ?? null;
  }

  /** The value, or `null` when the variable is not set and has no default. */
  function readOptional<Name extends SettingName>(name: Name): SettingValue<Name> | null {
    // The table's entries differ in their value's type; each entry's own `parse` produced this one.
    const setting = settings[name] as Setting<SettingValue<Name>>;
    const text = textOf(name);
    const value = text === null ? null : setting.parse(text);
    if (text !== null && value === null) problems.push(`${name} must be ${setting.rule}.`);
    return value ?? (setting.fallback === null ? null : setting.parse(setting.fallback));
  }

  function read<Name extends SettingName>(name: Name): SettingValue<Name> {
    const value = readOptional(name);
    if (value === null) throw new Error(`${name} has no default: read it with readOptional`);
    return value;
  }

  function readText(variable: string, path: string): string | null {
    try {
      return readFileSync(path, "utf8");
    } catch {
      problems.push(`${variable} names a file that cannot be read.`);
      return null;
    }
  }

  const isSet = (name: SettingName) => Boolean(environment[name] || environment[`${name}_FILE`]);

  return { read, readOptional, readText, isSet, problems, warnings };
}
