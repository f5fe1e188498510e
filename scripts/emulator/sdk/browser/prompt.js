import { ask } from "./dialog.js";
import { runJourney } from "./journey.js";
import { askForLoginId } from "./login-id.js";
import { lastLoginId } from "./memory.js";
import { Cancelled } from "./platform.js";

/** @import { CommandResult, Config } from "./widget-config.d.ts" */

const inCorner = { corner: true, close: "Not now" };
/** @type {CommandResult} */
const nothing = { error: null, data: null };

/**
 * Offers the person who signed in last to sign in again, in a corner of the page; `always-connected` also asks
 * somebody it does not know. Shows nothing to a person whose session is still valid.
 *
 * @param {"returning-user" | "always-connected"} type
 * @param {Config} config
 * @returns {Promise<CommandResult>}
 */
export async function showPrompt(type, config) {
  const loginId = lastLoginId();
  if ((await config.checkSession?.()) || (loginId === null && type === "returning-user")) return nothing;
  try {
    const confirmed = await (loginId === null ? askForLoginId(inCorner) : welcomeBack(loginId));
    return await runJourney("login", confirmed, config);
  } catch (error) {
    if (error instanceof Cancelled) return nothing;
    throw error;
  }
}

/** @param {string} loginId */
function welcomeBack(loginId) {
  return ask({
    title: "Welcome back",
    text: `Sign in as ${loginId}?`,
    actions: [{ label: "Continue", value: "continue" }],
    ...inCorner,
    submit: () => loginId,
  });
}
