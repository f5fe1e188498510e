import { rememberSignIn } from "./memory.js";
import { Cancelled, Refusal } from "./platform.js";
import { recover } from "./recovery.js";
import { register } from "./registration.js";
import { signIn } from "./sign-in.js";

/** @import { Config, CommandResult, WidgetType } from "./widget-config.d.ts" */

/** @typedef {WidgetType | "reauth"} JourneyType */

/**
 * What a journey does, and which of the page's callbacks learn of its success: the first one is waited for.
 *
 * @type {Readonly<Record<JourneyType, {
 *   run: (loginId: string, config: Config) => Promise<unknown>,
 *   before: "onBeforeRegister" | "onBeforeLogin" | "onBeforeReauth",
 *   after: "onRegister" | "onLogin" | "onReauth",
 * }>>}
 */
const journeys = {
  register: { run: register, before: "onBeforeRegister", after: "onRegister" },
  login: { run: signIn, before: "onBeforeLogin", after: "onLogin" },
  recover: { run: recover, before: "onBeforeLogin", after: "onLogin" },
  reauth: { run: signIn, before: "onBeforeReauth", after: "onReauth" },
};

/**
 * Runs a journey and tells the page by its callbacks how it ended. Never rejects, unless a callback of the page throws.
 *
 * @param {JourneyType} type
 * @param {string | Promise<string>} loginId
 * @param {Config} config
 * @returns {Promise<CommandResult>} without a `message` where the person has been told, or has stopped on purpose
 */
export async function runJourney(type, loginId, config) {
  const { run, before, after } = journeys[type];
  let name;
  let data;
  try {
    name = await loginId;
    data = await run(name, config);
  } catch (error) {
    return tellFailure(error, config);
  }
  if (type !== "register") rememberSignIn(name, data);
  // The callbacks take a text or a session, whichever the journey gives.
  await config[before]?.(/** @type {string} */ (data));
  await config[after]?.(/** @type {string} */ (data));
  return { error: null, data, loginId: name };
}

/**
 * @param {unknown} error
 * @param {Config} config
 * @returns {Promise<CommandResult>}
 */
async function tellFailure(error, { onError, onLoginIdError }) {
  if (error instanceof Cancelled) return { error: true };
  const { message, loginIdError, code } =
    error instanceof Refusal ? error : new Refusal("internal_error", String(error));
  if (loginIdError === null || onLoginIdError === undefined) {
    await onError?.(`${code}: ${message}`);
    return { error: true, message };
  }
  const answer = await onLoginIdError({ message, type: loginIdError });
  const isTold =
    typeof answer === "object" && answer !== null && "hideTooltip" in answer && answer.hideTooltip;
  return isTold ? { error: true } : { error: true, message };
}
