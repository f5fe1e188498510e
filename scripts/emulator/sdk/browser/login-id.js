import { ask } from "./dialog.js";
import { Refusal } from "./platform.js";

/** @import { Config } from "./widget-config.d.ts" */

/**
 * Reads the login id from the page's field, or asks for it where the page has none.
 *
 * @param {Config} config
 * @returns {Promise<string>}
 * @throws {Refusal} with its `loginIdError`
 */
export async function readLoginId({ loginIdField, loginIdPrefixField, loginIdPattern }) {
  if (!loginIdField) return askForLoginId();
  const typed = loginIdField.value.trim();
  if (typed === "") throw new Refusal("login_id_empty", "Enter your login first.", "empty");
  const loginId = `${loginIdPrefixField?.value ?? ""}${typed}`;
  if (loginIdPattern && !patternOf(loginIdPattern).test(loginId)) {
    throw new Refusal("login_id_invalid", "This login is not complete.", "invalidFormat");
  }
  return loginId;
}

/**
 * @param {{ corner?: boolean, close?: string }} [look] of the dialog
 * @returns {Promise<string>}
 */
export function askForLoginId(look = {}) {
  return ask({
    ...look,
    title: "Sign in",
    text: "Enter what you sign in with, such as your e-mail address.",
    field: { label: "Login", autocomplete: "username" },
    actions: [{ label: "Continue", value: "continue" }],
    submit: (_action, loginId) => loginId,
  });
}

/** Pages write it with or without the slashes of a literal. @param {string} text */
function patternOf(text) {
  const [, inner = text] = /^\/(.*)\/$/s.exec(text) ?? [];
  return new RegExp(inner);
}
