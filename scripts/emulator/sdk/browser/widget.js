import { runJourney } from "./journey.js";
import { readLoginId } from "./login-id.js";
import { bindPassword } from "./password-field.js";
import { buildWidget, placeOf } from "./widget-view.js";

/** @import { CommandResult, WidgetConfig } from "./widget-config.d.ts" */

/** A button on the page that starts a journey, and what came of it. */
export class Widget {
  #config;
  #view;
  /** @type {CommandResult} */
  #result = { error: null, data: null };
  #release = () => {};
  /** Counts what makes a running journey worthless: the login id was edited, or the widget is gone. */
  #turn = 0;

  /** @param {WidgetConfig} config */
  constructor(config) {
    this.#config = config;
    this.#view = buildWidget(config, {
      press: () => this.#press(),
      undo: () => this.#startOver(),
    });
  }

  get config() {
    return this.#config;
  }

  /** Puts the button onto the page. Does nothing where the page has no place for it. */
  mount() {
    const place = placeOf(this.#config);
    if (place === null) {
      console.warn(`The ${this.#config.type} widget was given no field and no element to stand at.`);
    } else {
      place(this.#view.host);
      this.#config.loginIdField?.addEventListener("input", this.#startOver);
      this.#config.loginIdField?.addEventListener("keydown", this.#onKey);
    }
  }

  /** Takes the button off the page and gives the page's fields back as they were. */
  destroy() {
    this.#config.loginIdField?.removeEventListener("input", this.#startOver);
    this.#config.loginIdField?.removeEventListener("keydown", this.#onKey);
    this.#startOver();
    this.#view.host.remove();
  }

  /**
   * What the register widget has for the registration that the page is about to send: `data` is `null` where there is
   * no passkey, or not for the login id that the field holds now.
   */
  async getOwnIDData() {
    if (this.#result.data === null && this.#waitsForSubmit) await this.#run();
    return this.#result;
  }

  /** Whether the ceremony is left to `getOwnIDData`, which a page calls when its form is sent. */
  get #waitsForSubmit() {
    const { type, asyncMobileRegistration = false } = this.#config;
    return type === "register" && asyncMobileRegistration && /\bMobi/.test(navigator.userAgent);
  }

  async #press() {
    if (this.#waitsForSubmit) this.#view.showDone();
    else await this.#run();
  }

  async #run() {
    const turn = this.#turn;
    const { type } = this.#config;
    this.#view.showBusy();
    const running = runJourney(type, readLoginId(this.#config), this.#config);
    const result = await running.finally(() => this.#view.showReady());
    if (turn !== this.#turn) return;
    this.#result = result.error ? { ...result, data: null } : result;
    if (result.error) this.#view.showRefusal(result.message ?? "");
    else if (type === "register") this.#showRegistered();
  }

  #showRegistered() {
    this.#release = bindPassword(this.#config);
    this.#view.showDone();
  }

  /** In a form without a submit button, the Enter key presses the widget's button. @param {KeyboardEvent} event */
  #onKey = (event) => {
    const { form } = this.#config.loginIdField ?? {};
    if (event.key !== "Enter" || !form || form.querySelector("[type=submit], button:not([type])")) return;
    event.preventDefault();
    this.#view.press();
  };

  /** A passkey belongs to one login id, so that it is dropped when somebody edits the field. */
  #startOver = () => {
    this.#turn++;
    this.#release();
    this.#release = () => {};
    this.#result = { error: null, data: null };
    this.#view.showReady();
  };
}
