/** @import { Config } from "./widget-config.d.ts" */

const groups = ["abcdefghijkmnopqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "!@#$%&*?"];

/**
 * Says on the page that no password is needed: disables its field, fills it where the page wants that, and hides the
 * fields that confirm it.
 *
 * @param {Config} config
 * @returns {() => void} gives the fields back as they were
 */
export function bindPassword({ passwordField, passwordFieldBinding = false, confirmPasswordContainer }) {
  const containers = [confirmPasswordContainer]
    .flat()
    .filter((container) => container instanceof HTMLElement);
  const before = { value: passwordField?.value ?? "", disabled: passwordField?.disabled ?? false };
  for (const container of containers) container.hidden = true;
  if (passwordField) {
    passwordField.disabled = true;
    if (passwordFieldBinding) passwordField.value = generatePassword();
  }
  return () => {
    for (const container of containers) container.hidden = false;
    if (passwordField) Object.assign(passwordField, before);
  };
}

/** A random password with letters of both cases, digits and signs. */
export function generatePassword(length = 16) {
  const letters = Array.from({ length }, (_, index) => pick(groups[index % groups.length] ?? ""));
  // Each group has had its turn at fixed places: mix them.
  return letters
    .map((letter) => ({ letter, order: crypto.getRandomValues(new Uint32Array(1))[0] ?? 0 }))
    .sort((a, b) => a.order - b.order)
    .map(({ letter }) => letter)
    .join("");
}

/** @param {string} letters */
function pick(letters) {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return letters[random % letters.length] ?? "";
}
