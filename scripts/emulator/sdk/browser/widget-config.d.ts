/** What pages hand to the SDK, as its reference documents it. What is not listed here is accepted and has no effect. */

export type WidgetType = "register" | "login" | "recover";

export type LoginIdErrorType = "empty" | "invalidFormat" | "accountNotFound";

/** The answer of the site's `getSessionByLoginId`, untouched. */
export type Session = unknown;

export interface Callbacks {
  onBeforeRegister?(ownIdData: string): unknown;
  /** `ownIdData` goes into the site's new user row, verbatim. */
  onRegister?(ownIdData: string): unknown;
  onBeforeLogin?(session: Session): unknown;
  onLogin?(session: Session): unknown;
  onBeforeReauth?(session: Session): unknown;
  onReauth?(session: Session): unknown;
  onError?(error: string): unknown;
  onLoginIdError?(error: { message: string; type: LoginIdErrorType }): unknown;
}

export interface Config extends Callbacks {
  readonly loginIdField?: HTMLInputElement | null;
  readonly loginIdPrefixField?: HTMLInputElement | HTMLSelectElement | null;
  readonly loginIdPattern?: string;
  readonly passwordField?: HTMLInputElement | null;
  /** Whether a random password is put into `passwordField` once a passkey is there. */
  readonly passwordFieldBinding?: boolean;
  /** Hidden once a passkey is there. */
  readonly confirmPasswordContainer?: HTMLElement | null | readonly (HTMLElement | null)[];
  /** The widget stands beside it; `passwordField` unless it is given. */
  readonly targetField?: HTMLElement | null;
  /** The widget stands in it where there is no field to stand beside. */
  readonly element?: HTMLElement | string | null;
  readonly widgetPosition?: "start" | "end";
  readonly addOrStatement?: boolean;
  readonly variant?: string;
  readonly title?: string;
  readonly backgroundColor?: string;
  readonly textColor?: string;
  readonly borderColor?: string;
  readonly boxShadow?: string;
  /** Whether a person without a passkey at hand is refused instead of being offered a one-time code. */
  readonly skipFallback?: boolean;
  /** Whether the ceremony waits for `getOwnIDData` on a phone. */
  readonly asyncMobileRegistration?: boolean;
  /** Whether `auth` does nothing for a person who has not signed in here before. */
  readonly onlyReturningUsers?: boolean;
  /** Whether the person has a session, so that no prompt is shown. */
  checkSession?(): boolean | Promise<boolean>;
}

export interface WidgetConfig extends Config {
  readonly type: WidgetType;
  readonly id?: string;
}

export interface CommandResult {
  readonly error: null | true;
  readonly message?: string;
  readonly data?: unknown;
  readonly loginId?: string;
}
