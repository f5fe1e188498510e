import { fromTemplate, loginIdField } from "../page-parts.js";
import { ownid } from "../sdk.js";
import { enter } from "../site-entry.js";

export const recover = {
  title: "Recover your account",

  /** @param {HTMLElement} place */
  show(place) {
    place.replaceChildren(fromTemplate("recover"));
    ownid("recover", {
      loginIdField: loginIdField(place),
      element: place.querySelector(".widget-place"),
      variant: "ownid-auth-button",
      onLogin: enter,
    });
  },

  leave: () => void ownid("destroy", "recover"),
};
