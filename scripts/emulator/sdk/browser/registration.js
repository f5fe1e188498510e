import { createPasskey, ensurePasskeysWork } from "./passkeys.js";
import { accountBlocked, askPlatform, Refusal } from "./platform.js";

/** @import { DiscoverAnswer } from "../../api/platform-api.ts" */

/**
 * Makes a passkey for somebody who has no account yet.
 *
 * @param {string} loginId
 * @returns {Promise<string>} what the site has to store with the new user, verbatim
 * @throws {Refusal | Cancelled}
 */
export async function register(loginId) {
  ensurePasskeysWork();
  /** @type {DiscoverAnswer} */
  const { outcome } = await askPlatform("discover", { loginId });
  if (outcome === "accountBlocked") throw accountBlocked();
  if (outcome === "accountFound") {
    throw new Refusal("user_exists", "There is an account with this login already. Sign in instead.");
  }
  const { ownIdData } = await createPasskey({ purpose: "register", loginId });
  return ownIdData ?? "";
}
