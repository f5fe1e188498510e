import { element } from "./element.js";
import { Cancelled, Refusal } from "./platform.js";
import { styledHost } from "./style.js";

/**
 * @typedef {object} Action
 * @property {string} label
 * @property {string} value what `submit` is told
 */

/**
 * @template Result
 * @typedef {object} Question
 * @property {string} title
 * @property {string} text
 * @property {Readonly<Record<string, unknown>> & { readonly label: string }} [field] a text to ask for, and the
 *   properties of its input
 * @property {readonly [Action, ...Action[]]} actions the first one is what the Enter key does
 * @property {string} [close] what the button says that closes the dialog
 * @property {boolean} [corner] whether the page stays usable meanwhile
 * @property {(refusal: Refusal) => boolean} [mayRetry] whether the person can try again after this refusal (default:
 *   always)
 * @property {(action: string, text: string) => Result | Promise<Result>} submit where it throws a `Refusal` or a
 *   `Cancelled`, the dialog shows its message and stays open
 */

/**
 * Shows a dialog until `submit` succeeds.
 *
 * @template Result
 * @param {Question<Result>} question
 * @returns {Promise<Result>}
 * @throws {Cancelled} when the person closes the dialog
 * @throws {Refusal} when there is no point in trying again
 */
export function ask(question) {
  /** @type {PromiseWithResolvers<Result>} */
  const { promise, resolve, reject } = Promise.withResolvers();
  const { dialog, form, input, alert } = build(question);
  const host = styledHost(dialog);
  form.onsubmit = async (event) => {
    event.preventDefault();
    alert.textContent = "";
    setBusy(form, true);
    try {
      resolve(await question.submit(pressedIn(event), input?.value.trim() ?? ""));
      dialog.close();
    } catch (error) {
      if (!canTryAgain(error, question)) {
        reject(error);
        dialog.close();
        return;
      }
      setBusy(form, false);
      alert.textContent = error.message;
      if (input) input.select();
      else event.submitter?.focus();
    }
  };
  const leave = () => dialog.close();
  dialog.onclose = () => {
    removeEventListener("popstate", leave);
    host.remove();
    reject(new Cancelled());
  };
  document.body.append(host);
  if (question.corner) dialog.show();
  else {
    dialog.showModal();
    // A single-page site shows another view after the back button, and the question belonged to the old one.
    addEventListener("popstate", leave);
  }
  return promise;
}

/** @param {SubmitEvent} event @returns {string} the value of the button */
function pressedIn({ submitter }) {
  return submitter instanceof HTMLButtonElement ? submitter.value : "";
}

/** @param {Omit<Question<unknown>, "submit">} question */
function build({ title, text, field, actions, close = "Cancel", corner = false }) {
  const alert = element("p", { role: "alert" });
  const input = field && element("input", { required: true, ...field });
  const buttons = actions.map(({ label, value }, index) =>
    element("button", { type: "submit", value, className: index === 0 ? "main" : "" }, label),
  );
  const form = element(
    "form",
    {},
    element("h2", { id: "title" }, title),
    element("p", {}, text),
    ...(input ? [element("label", {}, field.label, input)] : []),
    alert,
    element(
      "div",
      { className: "actions" },
      ...buttons,
      element("button", { type: "button", onclick: () => dialog.close() }, close),
    ),
  );
  const dialog = element("dialog", { "aria-labelledby": "title", className: corner ? "corner" : "" }, form);
  // The browser itself closes only dialogs that block the page.
  dialog.onkeydown = ({ key }) => {
    if (key === "Escape") dialog.close();
  };
  return { dialog, form, input, alert };
}

/** @param {unknown} error @param {Pick<Question<unknown>, "mayRetry">} question @returns {error is Error} */
function canTryAgain(error, { mayRetry = () => true }) {
  if (error instanceof Refusal) return mayRetry(error);
  return error instanceof Cancelled;
}

/** @param {HTMLFormElement} form @param {boolean} busy */
function setBusy(form, busy) {
  for (const control of form.elements) Reflect.set(control, "disabled", busy);
}
