import { ask } from "./dialog.js";
import { createPasskey, ensurePasskeysWork } from "./passkeys.js";

/** @import { DeviceView } from "../../api/platform-api.ts" */

/**
 * Offers somebody who is signed in to add this device to the account.
 *
 * @param {string} loginId
 * @param {string} authToken
 * @returns {Promise<DeviceView>}
 * @throws {Refusal | Cancelled}
 */
export async function offerEnrolment(loginId, authToken) {
  ensurePasskeysWork();
  return ask({
    title: "Sign in faster on this device",
    text: `A passkey lets ${loginId} sign in here with a fingerprint, a face or the screen lock.`,
    actions: [{ label: "Create a passkey", value: "create" }],
    close: "Not now",
    submit: async () => (await createPasskey({ purpose: "enrol", loginId, authToken })).device,
  });
}
