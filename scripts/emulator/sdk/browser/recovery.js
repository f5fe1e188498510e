import { confirmByCode } from "./one-time-code.js";
import { createPasskey } from "./passkeys.js";

/** @import { Session } from "./widget-config.d.ts" */

/**
 * Lets somebody in again who has lost every device: a one-time code, and then a passkey that replaces all others.
 *
 * @param {string} loginId
 * @returns {Promise<Session>}
 * @throws {Refusal | Cancelled}
 */
export async function recover(loginId) {
  const { proof = "" } = await confirmByCode(loginId, "recover");
  const { session } = await createPasskey({ purpose: "recover", loginId, proof });
  return session;
}
