import { distance } from "fastest-levenshtein";
import { type Environment, settingVariables } from "./setting-reader.ts";

/** Shorter names are too similar to those of other programs, such as PORT and PATH. */
const lengthMin = 8;
const editsMax = 2;

/**
 * Returns a warning for each variable whose name is so close to a setting's that the setting was probably meant. If
 * the setting itself is set, the other variable belongs to another program.
 */
export function warnOfNearNames(environment: Environment): string[] {
  const targets = [...settingVariables].filter((name) => name.length >= lengthMin && !environment[name]);
  return Object.keys(environment).flatMap((name) => {
    if (settingVariables.has(name) || !environment[name]) return [];
    const setting = name.replace(/_FILE$/, "");
    if (setting !== name && setting.length >= lengthMin && settingVariables.has(setting)) {
      return [`${name} is not read: ${setting} cannot come from a file.`];
    }
    const meant = nearest(name.toUpperCase(), targets);
    return meant === null ? [] : [`${name} is not a setting. Did you mean ${meant}?`];
  });
}

function nearest(name: string, targets: readonly string[]): string | null {
  const near = targets
    .map((target) => ({ target, edits: editsBetween(name, target) }))
    .filter(({ target, edits }) => edits <= (target.length > lengthMin ? editsMax : 1))
    .toSorted((one, other) => one.edits - other.edits);
  return near[0]?.target ?? null;
}

/** A missing `_FILE` counts as one edit. Lengths are compared first, because every start compares every variable. */
function editsBetween(name: string, target: string): number {
  if (name.length >= lengthMin && target === `${name}_FILE`) return 1;
  return Math.abs(name.length - target.length) > editsMax ? Number.POSITIVE_INFINITY : distance(name, target);
}
