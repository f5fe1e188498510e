import { ask } from "./dialog.js";
import { passkeysHere } from "./memory.js";
import { confirmByCode } from "./one-time-code.js";
import { passkeysWork, signWithPasskey } from "./passkeys.js";
import { accountBlocked, accountNotFound, askPlatform, Cancelled } from "./platform.js";

/** @import { DiscoverAnswer, StartAuthenticationAnswer } from "../../api/platform-api.ts" */
/** @import { Config, Session } from "./widget-config.d.ts" */

const offers = {
  unknownDevice: {
    title: "New on this device?",
    text: "The account has passkeys, but this browser has not used one of them yet.",
  },
  removedDevice: {
    title: "This device was removed",
    text: "Its passkey is no longer one of the account's passkeys, so it cannot sign in with it.",
  },
  notConfirmed: {
    title: "The passkey was not used",
    text: "You can try it again, or sign in with a one-time code.",
  },
};

/**
 * Signs somebody in with a passkey, or else with a one-time code.
 *
 * @param {string} loginId
 * @param {Config} config
 * @returns {Promise<Session>}
 * @throws {Refusal | Cancelled}
 */
export async function signIn(loginId, { skipFallback = false }) {
  /** @type {DiscoverAnswer} */
  const { outcome, hasPasskey } = await askPlatform("discover", { loginId });
  if (outcome === "accountNotFound") throw accountNotFound();
  if (outcome === "accountBlocked") throw accountBlocked();
  if (skipFallback) return withPasskey(loginId, await startPasskey(loginId));
  const preferred = hasPasskey && passkeysWork() ? await passkeyOrCode(loginId) : "code";
  if (preferred !== "code") return preferred.session;
  return (await confirmByCode(loginId, "login")).session;
}

/**
 * @param {string} loginId
 * @returns {Promise<{ session: Session } | "code">}
 */
async function passkeyOrCode(loginId) {
  const start = await startPasskey(loginId);
  const listed = new Set(start.options.allowCredentials?.map(({ id }) => id));
  const here = passkeysHere(loginId);
  let offer = here.length > 0 ? offers.removedDevice : offers.unknownDevice;
  if (here.some((id) => listed.has(id))) {
    try {
      return { session: await withPasskey(loginId, start) };
    } catch (error) {
      if (!(error instanceof Cancelled)) throw error;
      offer = offers.notConfirmed;
    }
  }
  const again = offer === offers.notConfirmed ? "Try the passkey again" : "Use a passkey from elsewhere";
  return ask({
    ...offer,
    actions: [
      { label: "Send me a code", value: "code" },
      { label: again, value: "passkey" },
    ],
    // A challenge is good for one answer, so that each attempt needs a new one.
    submit: async (action) =>
      action === "code" ? "code" : { session: await withPasskey(loginId, await startPasskey(loginId)) },
  });
}

/** @param {string} loginId @returns {Promise<StartAuthenticationAnswer>} */
function startPasskey(loginId) {
  return askPlatform("passkeys/authentication/start", { loginId });
}

/** @param {string} loginId @param {StartAuthenticationAnswer} start @returns {Promise<Session>} */
async function withPasskey(loginId, start) {
  return (await signWithPasskey(loginId, start)).session;
}
