import { ApiFailure } from "../emulator-api.js";
import { find, fromTemplate, loginIdField } from "../page-parts.js";
import { ownid } from "../sdk.js";
import { enter } from "../site-entry.js";

export const signIn = entryView("Sign in", "sign-in", "login");
export const recover = entryView("Recover your account", "recover", "recover");

/**
 * @param {HTMLElement} place
 * @param {unknown} session
 */
async function enterOrTell(place, session) {
  const problem = find(place, ".problem");
  problem.textContent = "";
  try {
    await enter(session);
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    problem.textContent = error.message;
  }
}

/**
 * A form whose only button is the SDK's, and which leads to the account.
 *
 * @param {string} title
 * @param {string} template
 * @param {"login" | "recover"} type of the widget
 */
function entryView(title, template, type) {
  return {
    title,

    /** @param {HTMLElement} place */
    show(place) {
      place.replaceChildren(fromTemplate(template));
      // The SDK's button is the only way in, also by the Enter key.
      find(place, "form").onsubmit = (event) => event.preventDefault();
      ownid(type, {
        loginIdField: loginIdField(place),
        element: place.querySelector(".widget-place"),
        variant: "ownid-auth-button",
        onLogin: (/** @type {unknown} */ session) => enterOrTell(place, session),
      });
    },

    leave: () => void ownid("destroy", type),
  };
}
