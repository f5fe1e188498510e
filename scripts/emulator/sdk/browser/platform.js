/** @import { Failure } from "../../api/failure.ts" */
/** @import { LoginIdErrorType } from "./widget-config.d.ts" */

/** The person closed a dialog or the browser's passkey prompt. Nothing is wrong, and nothing was done. */
export class Cancelled extends Error {}

/** A journey that ended because something or somebody said no. `message` is meant for the person. */
export class Refusal extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {LoginIdErrorType | null} loginIdError the kind, where the login id is what is wrong
   */
  constructor(code, message, loginIdError = null) {
    super(message);
    this.code = code;
    this.loginIdError = loginIdError;
  }
}

/** @type {Readonly<Record<string, string>>} */
const words = {
  passkey_invalid: "This passkey is not one of the account's passkeys.",
  code_invalid: "This code is wrong.",
  authorization_invalid: "You are not signed in here any more.",
  user_blocked: "This account is blocked.",
  user_exists: "There is an account with this login already.",
  flow_expired: "This took too long. Please start again.",
  maximum_challenges_reached: "The code was wrong too often. Please ask for a new one.",
};

/**
 * Sends a request to the platform, which is wherever this script came from.
 *
 * @template Answer
 * @param {string} path below `/platform/`
 * @param {object} body
 * @returns {Promise<Answer>}
 * @throws {Refusal}
 */
export async function askPlatform(path, body) {
  const request = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const response = await fetch(new URL(`/platform/${path}`, import.meta.url), request).catch(() => {
    throw new Refusal("unreachable", "OwnID cannot be reached. Is the emulator still running?");
  });
  if (response.status === 204) return /** @type {Answer} */ (undefined);
  const answer = await response.json();
  if (response.ok) return answer;
  throw refusalFor(answer);
}

/** @param {Failure} failure */
function refusalFor(failure) {
  const { errorCode, scope, message } = failure;
  if (errorCode === "user_not_found") return accountNotFound();
  if (errorCode !== "integration_error") return new Refusal(errorCode, words[errorCode] ?? message);
  return new Refusal(
    errorCode,
    `The site cannot answer right now (${errorCode}, scope ${scope}). ${message}`,
  );
}

export function accountNotFound() {
  return new Refusal("user_not_found", "There is no account with this login.", "accountNotFound");
}

export function accountBlocked() {
  return new Refusal("user_blocked", words.user_blocked ?? "");
}
