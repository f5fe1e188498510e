import { findAll } from "./page-parts.js";

/** On a narrow screen there is room for the site or the calls: two buttons switch between them. */
export function startPanes() {
  const buttons = findAll(document, ".pane-switch button");
  for (const button of buttons) {
    button.onclick = () => {
      document.body.dataset.pane = button.dataset.shows ?? "";
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
    };
  }
}
