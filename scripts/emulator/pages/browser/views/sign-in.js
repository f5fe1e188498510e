import { fromTemplate, loginIdField } from "../page-parts.js";
import { ownid } from "../sdk.js";
import { enter } from "../site-entry.js";

export const signIn = {
  title: "Sign in",

  /** @param {HTMLElement} place */
  show(place) {
    place.replaceChildren(fromTemplate("sign-in"));
    ownid("login", {
      loginIdField: loginIdField(place),
      element: place.querySelector(".widget-place"),
      variant: "ownid-auth-button",
      onLogin: enter,
    });
  },

  leave: () => void ownid("destroy", "login"),
};
