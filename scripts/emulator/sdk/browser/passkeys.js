import { rememberPasskey } from "./memory.js";
import { askPlatform, Cancelled, Refusal } from "./platform.js";
import {
  browserSupportsWebAuthn,
  startAuthentication,
  startRegistration,
  WebAuthnError,
} from "./simplewebauthn/index.js";

/**
 * @import {
 *   FinishAuthenticationAnswer, FinishRegistrationAnswer, StartAuthenticationAnswer, StartRegistrationAnswer,
 *   StartRegistrationRequest
 * } from "../../api/platform-api.ts"
 */

export const passkeysWork = browserSupportsWebAuthn;

/** @throws {Refusal} */
export function ensurePasskeysWork() {
  if (!passkeysWork()) throw new Refusal("passkey_refused", "This browser has no passkeys.");
}

/**
 * Has this device make a passkey, and the platform verify it.
 *
 * @param {StartRegistrationRequest} request
 * @returns {Promise<FinishRegistrationAnswer>}
 * @throws {Refusal | Cancelled}
 */
export async function createPasskey(request) {
  /** @type {StartRegistrationAnswer} */
  const { flow, options } = await askPlatform("passkeys/registration/start", request);
  const response = await startRegistration({ optionsJSON: options }).catch(explain);
  /** @type {FinishRegistrationAnswer} */
  const answer = await askPlatform("passkeys/registration/finish", { flow, response });
  rememberPasskey(request.loginId, answer.device.id);
  return answer;
}

/**
 * Has this device sign the platform's challenge. The platform reads the device list once more before it asks the site
 * for a session.
 *
 * @param {string} loginId
 * @param {StartAuthenticationAnswer} start
 * @returns {Promise<FinishAuthenticationAnswer>}
 * @throws {Refusal | Cancelled}
 */
export async function signWithPasskey(loginId, { flow, options }) {
  const response = await startAuthentication({ optionsJSON: options }).catch(explain);
  /** @type {FinishAuthenticationAnswer} */
  const answer = await askPlatform("passkeys/authentication/finish", { flow, response });
  rememberPasskey(loginId, answer.device.id);
  return answer;
}

/** @param {unknown} error @returns {never} */
function explain(error) {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const code = error instanceof WebAuthnError ? error.code : "";
  if (code === "ERROR_AUTHENTICATOR_PREVIOUSLY_REGISTERED") {
    throw new Refusal("passkey_exists", "This device is one of the account's devices already.");
  }
  if (code === "ERROR_INVALID_RP_ID" || code === "ERROR_INVALID_DOMAIN" || name === "SecurityError") {
    throw new Refusal(
      "passkey_refused",
      `Passkeys do not work at ${location.origin}. Use http://localhost instead.`,
    );
  }
  if (name === "NotAllowedError" || name === "AbortError") throw new Cancelled("No passkey was used.");
  throw new Refusal("passkey_refused", `The passkey could not be used: ${message}`);
}
