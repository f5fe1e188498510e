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

  /** @param {WidgetConfig} config */
  constructor(config) {
    this.#config = config;
    this.#view = buildWidget(config, {
      press: () => this.#press(),
      undo: () => this.#reset(),
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
      this.#config.loginIdField?.addEventListener("input", this.#forgetResult);
    }
  }

  /** Takes the button off the page and gives the page's fields back as they were. */
  destroy() {
    this.#config.loginIdField?.removeEventListener("input", this.#forgetResult);
    this.#reset();
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
    this.#view.showBusy();
    const result = await runJourney(this.#config.type, readLoginId(this.#config), this.#config);
    if (result.error) this.#view.showRefusal(result.message ?? "");
    else if (this.#config.type === "register") this.#showRegistered();
    else this.#view.showReady();
    this.#result = result.error ? { ...result, data: null } : result;
  }

  #showRegistered() {
    this.#release = bindPassword(this.#config);
    this.#view.showDone();
  }

  /** A passkey belongs to one login id. */
  #forgetResult = () => {
    if (this.#result.data !== null || this.#result.error) this.#reset();
  };

  #reset() {
    this.#release();
    this.#release = () => {};
    this.#result = { error: null, data: null };
    this.#view.showReady();
  }
}
