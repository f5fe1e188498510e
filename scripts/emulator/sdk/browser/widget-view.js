import { element } from "./element.js";
import { checkMark, fingerprint } from "./icons.js";
import { styledHost } from "./style.js";

/** @import { WidgetConfig } from "./widget-config.d.ts" */

const titles = {
  register: "Create a passkey",
  login: "Sign in with a passkey",
  recover: "Recover with a new passkey",
};

/** Those that stand beside a password field and show an icon only; all other ones are wide and say what they do. */
const iconVariants = new Set(["button-fingerprint", "button-faceid", "button-win"]);

/**
 * @param {WidgetConfig} config
 * @param {{ press: () => unknown, undo: () => void }} actions
 */
export function buildWidget(config, { press, undo }) {
  const isIcon = iconVariants.has(config.variant ?? "button-fingerprint");
  const hasOr = isIcon && config.addOrStatement !== false;
  const or = element("span", { className: "or" }, "or");
  const button = signButton(config, isIcon);
  const done = element("span", { className: isIcon ? "done" : "done wide", role: "status" });
  const undoButton = element("button", { type: "button", className: "undo" }, "Undo");
  const alert = element("p", { role: "alert", className: "note" });
  const host = styledHost(element("div", { className: "widget" }, or, button, done, undoButton, alert));
  button.onclick = () => {
    if (button.ariaDisabled !== "true") press();
  };
  undoButton.onclick = undo;
  paint(host, config);

  /** @param {{ busy?: boolean, finished?: boolean, refusal?: string }} state */
  const show = ({ busy = false, finished = false, refusal = "" }) => {
    // A button with `disabled` would lose the focus, which a dialog gives back when it closes.
    Object.assign(button, { ariaDisabled: String(busy), hidden: finished, ariaBusy: String(busy) });
    or.hidden = finished || !hasOr;
    done.replaceChildren(...(finished ? [checkMark(), "Passkey ready"] : []));
    undoButton.hidden = !finished;
    alert.textContent = refusal;
  };
  show({});
  return {
    host,
    /** Does what a click on the button does: nothing while the widget is busy or done. */
    press: () => button.click(),
    showReady: () => show({}),
    showBusy: () => show({ busy: true }),
    showDone: () => show({ finished: true }),
    /** @param {string} refusal */
    showRefusal: (refusal) => show({ refusal }),
  };
}

/** @param {WidgetConfig} config @param {boolean} isIcon */
function signButton({ type, title }, isIcon) {
  const name = title ?? (isIcon ? "Skip password" : titles[type]);
  const look = isIcon ? { className: "sign", title: name, ariaLabel: name } : { className: "sign wide" };
  return element("button", { type: "button", ...look }, fingerprint(), isIcon ? "" : name);
}

/**
 * @param {WidgetConfig} config
 * @returns {((host: HTMLElement) => void) | null} puts the widget where the page wants it
 */
export function placeOf({ targetField, passwordField, element: named, widgetPosition = "end" }) {
  const field = targetField ?? passwordField;
  if (field) {
    // Within a label, the button's text would become part of the field's name.
    const neighbor = field.closest("label") ?? field;
    return (host) => (widgetPosition === "start" ? neighbor.before(host) : neighbor.after(host));
  }
  const container = typeof named === "string" ? document.querySelector(named) : named;
  return container ? (host) => container.append(host) : null;
}

/** @param {HTMLElement} host @param {WidgetConfig} config */
function paint(host, { textColor, backgroundColor, borderColor, boxShadow }) {
  const colors = {
    color: textColor,
    background: backgroundColor,
    "border-color": borderColor,
    "box-shadow": boxShadow,
  };
  for (const [name, value] of Object.entries(colors)) {
    if (value) host.style.setProperty(`--ownid-button-widget-${name}`, value);
  }
}
