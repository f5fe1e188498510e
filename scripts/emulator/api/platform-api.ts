import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from "@simplewebauthn/server";

/** What the SDK calls, under `/platform`. */

/** The session that `getSessionByLoginId` answered, untouched: `{token: "…"}` from the sidecar, any JSON from others. */
export type SessionAnswer = unknown;

/** A device as the person sees it. `id` is the id of its passkey in base64url. */
export interface DeviceView {
  readonly id: string;
  readonly name: string;
  /** ISO 8601. */
  readonly addedAt: string;
}

/** `POST /platform/discover`: asks the site (`getOwnIDDataByLoginId`) who that is. */
export interface DiscoverRequest {
  readonly loginId: string;
}
export interface DiscoverAnswer {
  readonly outcome: "accountFound" | "accountNotFound" | "accountBlocked";
  /** Whether the account has a passkey. `false` unless it was found. */
  readonly hasPasskey: boolean;
}

/**
 * Says that the person may change the account: `authToken` is a session token that this platform has handed on, or
 * `authToken` of `SiteSession`; `proof` is what a verified one-time code gave. Either one is enough.
 */
export interface Authorization {
  readonly authToken?: string;
  readonly proof?: string;
}

/**
 * `POST /platform/passkeys/registration/start`
 *
 * - `register`: for a login id that has no account yet; the site is not called.
 * - `enrol`: adds a device to an existing account; needs an `Authorization`.
 * - `recover`: replaces all devices of an existing account; needs a `proof`.
 */
export interface StartRegistrationRequest extends Authorization {
  readonly purpose: "register" | "enrol" | "recover";
  readonly loginId: string;
}
export interface StartRegistrationAnswer {
  /** Names this ceremony in `finish`; valid once and for five minutes. */
  readonly flow: string;
  readonly options: PublicKeyCredentialCreationOptionsJSON;
}

/** `POST /platform/passkeys/registration/finish` */
export interface FinishRegistrationRequest {
  readonly flow: string;
  readonly response: RegistrationResponseJSON;
  /** How the person will see the device; the platform names it after the browser otherwise. */
  readonly deviceName?: string;
}
export interface FinishRegistrationAnswer {
  readonly purpose: StartRegistrationRequest["purpose"];
  readonly loginId: string;
  readonly device: DeviceView;
  /** `register` only: what the site has to store with the new user, verbatim. Nothing has been written yet. */
  readonly ownIdData?: string;
  /** `recover` only: the person is signed in with the new device. */
  readonly session?: SessionAnswer;
}

/**
 * `POST /platform/connections`: writes what `register` gave through `setOwnIDDataByLoginId`, for a site that has
 * created the user without it (`addOwnIDConnectionOnServer`). 204.
 */
export interface AddConnectionRequest {
  readonly loginId: string;
  readonly ownIdData: string;
}

/** `POST /platform/passkeys/authentication/start`: 404 `user_not_found`, 423 `user_blocked`. */
export interface StartAuthenticationRequest {
  readonly loginId: string;
}
export interface StartAuthenticationAnswer {
  readonly flow: string;
  /** `allowCredentials` lists the devices that the site's `ownIdData` holds now; it may be empty. */
  readonly options: PublicKeyCredentialRequestOptionsJSON;
}

/** `POST /platform/passkeys/authentication/finish`: reads the device list again before it asks for the session. */
export interface FinishAuthenticationRequest {
  readonly flow: string;
  readonly response: AuthenticationResponseJSON;
  /** `browser` unless it says otherwise. */
  readonly sessionType?: string;
}
export interface FinishAuthenticationAnswer {
  readonly loginId: string;
  readonly device: DeviceView;
  /** What the SDK hands to the page's `onLogin`. */
  readonly session: SessionAnswer;
}

/** `POST /platform/codes/send`: "sends" a one-time code. 404 `user_not_found`, 423 `user_blocked`. */
export interface SendCodeRequest {
  readonly purpose: "login" | "enrol" | "recover";
  readonly loginId: string;
}
export interface SendCodeAnswer {
  readonly flow: string;
  /** Where a real code would have gone, such as `s***@testmail.com`. */
  readonly sentTo: string;
}

/** `POST /platform/codes/verify`: 401 `code_invalid`, 429 `maximum_challenges_reached`. */
export interface VerifyCodeRequest {
  readonly flow: string;
  readonly code: string;
  readonly sessionType?: string;
}
export interface VerifyCodeAnswer {
  readonly loginId: string;
  /** `enrol` and `recover`: valid once and for five minutes. */
  readonly proof?: string;
  /** `login` only. */
  readonly session?: SessionAnswer;
}
