import { confirmByCode } from "./one-time-code.js";
import { createPasskey, ensurePasskeysWork } from "./passkeys.js";
import { Cancelled, Refusal } from "./platform.js";

/** @import { Session } from "./widget-config.d.ts" */

/**
 * Lets somebody in again who has lost every device: a one-time code, and then a passkey that replaces all others.
 *
 * @param {string} loginId
 * @returns {Promise<Session>}
 * @throws {Refusal | Cancelled}
 */
export async function recover(loginId) {
  ensurePasskeysWork();
  const { proof = "" } = await confirmByCode(loginId, "recover");
  try {
    return (await createPasskey({ purpose: "recover", loginId, proof })).session;
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    throw new Refusal("passkey_refused", "No passkey was made, so the account still has its old devices.");
  }
}
