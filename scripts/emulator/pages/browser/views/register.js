import { ApiFailure, site } from "../emulator-api.js";
import { goTo } from "../navigation.js";
import { find, fromTemplate, loginIdField } from "../page-parts.js";
import { ownid } from "../sdk.js";
import { mark } from "../sign-in-mark.js";

export const register = {
  title: "Create your account",

  /** @param {HTMLElement} place */
  show(place) {
    place.replaceChildren(fromTemplate("register"));
    const field = loginIdField(place);
    ownid("register", {
      loginIdField: field,
      element: place.querySelector(".widget-place"),
      variant: "ownid-auth-button",
    });
    find(place, "form").onsubmit = (event) => {
      event.preventDefault();
      void createAccount(place, field.value.trim());
    };
  },

  leave: () => void ownid("destroy", "register"),
};

/** @param {HTMLElement} place @param {string} loginId */
async function createAccount(place, loginId) {
  const problem = find(place, ".problem");
  problem.textContent = "";
  // The SDK gives nothing where the person went without a passkey, or edited the login id since.
  const { data } = await ownid("getOwnIDData", "register");
  try {
    await site.register({ loginId, ...(typeof data === "string" && { ownIdData: data }) });
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    problem.textContent =
      error.code === "user_exists" ? "There is an account with this e-mail already." : error.message;
    return;
  }
  mark();
  goTo("/account");
}
