import { offerEnrolment } from "./enrolment.js";
import { runJourney } from "./journey.js";
import { lastLoginId, signedIn } from "./memory.js";
import { generatePassword } from "./password-field.js";
import { askPlatform, Cancelled, Refusal } from "./platform.js";
import { showPrompt } from "./prompt.js";
import { Widget } from "./widget.js";

/** @import { CommandResult, Config, WidgetConfig } from "./widget-config.d.ts" */

/** What `init` has set, for every widget. @type {Config} */
let shared = {};
/** By the id that the page gave, or else by type. @type {Map<string, Widget>} */
const widgets = new Map();

/**
 * The commands that the stand-in knows; a page calls `ownid(name, …)`. They return a `CommandResult`, unless the SDK's
 * reference says otherwise.
 *
 * @type {Readonly<Record<string, (...args: never[]) => unknown>>}
 */
export const commands = {
  init: (/** @type {Config} */ config) => {
    shared = merged(config);
  },
  register: (/** @type {Config} */ config) => render({ ...config, type: "register" }),
  login: (/** @type {Config} */ config) => render({ ...config, type: "login" }),
  recover: (/** @type {Config} */ config) => render({ ...config, type: "recover" }),
  authButton: (/** @type {HTMLElement} */ element, /** @type {Config} */ config) =>
    render({ ...config, type: "login", element, passwordField: null, variant: "ownid-auth-button" }),
  render,
  reRender,
  destroy,
  getOwnIDData: (/** @type {string} */ id) => named(id).getOwnIDData(),
  addOwnIDConnectionOnServer,
  enrollCredential,
  enrollDevice,
  auth: (/** @type {string | Config} */ loginId, /** @type {Config} */ config) =>
    journey("login", loginId, config),
  reauth: (/** @type {string} */ loginId, /** @type {Config} */ config) => journey("reauth", loginId, config),
  showPrompt: (/** @type {"returning-user" | "always-connected"} */ type, /** @type {Config} */ config) =>
    showPrompt(type, merged(config)),
  activateReturningUsersPrompt: (/** @type {Config} */ config) =>
    showPrompt("returning-user", merged(config)),
  activateAlwaysConnected: (/** @type {Config} */ config) => showPrompt("always-connected", merged(config)),
  generateOwnIDPassword: generatePassword,
};

/** Frameworks pass every property they know, most of them undefined. @param {Config} [config] @returns {Config} */
function merged(config = {}) {
  const given = Object.entries(config).filter(([, value]) => value !== undefined);
  return { ...shared, ...Object.fromEntries(given) };
}

/** @param {WidgetConfig} config */
function render(config) {
  const widget = new Widget({ ...merged(config), type: config.type });
  const id = config.id ?? config.type;
  destroy(id);
  widgets.set(id, widget);
  widget.mount();
}

/** @param {string} id @param {Config} [config] */
function reRender(id, config) {
  const before = named(id).config;
  render({ ...before, ...merged(config), type: before.type, id });
}

/** @param {string} id */
function destroy(id) {
  widgets.get(id)?.destroy();
  widgets.delete(id);
}

/** @param {string} id */
function named(id) {
  const widget = widgets.get(id);
  if (widget === undefined) throw new Error(`There is no widget "${id}" on the page.`);
  return widget;
}

/**
 * For a site that has created the user without `ownIdData`. What the page passes on for the identity platforms that
 * OwnID integrates with has no meaning here.
 *
 * @param {string} id
 */
async function addOwnIDConnectionOnServer(id) {
  const { data, loginId } = await named(id).getOwnIDData();
  if (!data) throw new Error("There is no passkey to connect.");
  await askPlatform("connections", { loginId, ownIdData: data });
}

/**
 * Pages call it with an object, or as older ones do with two texts.
 *
 * @param {string | { loginId: string, authToken?: string, token?: string }} who
 * @param {string} [token]
 * @returns {Promise<CommandResult>}
 */
function enrollCredential(who, token = "") {
  if (typeof who === "string") return enrol(who, token);
  return enrol(who.loginId, who.authToken ?? who.token ?? "");
}

/** For the person who has signed in through the SDK in this tab. @returns {Promise<CommandResult>} */
async function enrollDevice() {
  const person = signedIn();
  if (person === null) throw new Error("Nobody has signed in through the SDK in this tab.");
  return enrol(person.loginId, person.authToken);
}

/** @param {string} loginId @param {string} authToken @returns {Promise<CommandResult>} */
async function enrol(loginId, authToken) {
  try {
    return { error: null, data: await offerEnrolment(loginId, authToken), loginId };
  } catch (error) {
    if (error instanceof Cancelled) return { error: true, message: "The person has declined." };
    throw error;
  }
}

/**
 * @param {"login" | "reauth"} type
 * @param {string | Config} loginId
 * @param {Config} [config]
 * @returns {Promise<CommandResult>}
 */
async function journey(type, loginId, config) {
  const settings = merged(typeof loginId === "string" ? config : loginId);
  const known = lastLoginId();
  if (known === null && settings.onlyReturningUsers) return { error: null, data: null };
  const person = typeof loginId === "string" ? loginId : known;
  if (person === null) throw new Refusal("login_id_empty", "The command needs a login id.");
  return runJourney(type, person, settings);
}
