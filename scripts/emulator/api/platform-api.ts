import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from "@simplewebauthn/server";
import { type Static, t } from "elysia";
import { DeviceName, LoginId } from "./names.ts";

/** The API of the platform under `/platform`, for the SDK. */

/** An answer of the browser's WebAuthn API. Only the id is checked here, because the verification checks the rest. */
const passkeyAnswer = t.Object({ id: t.String() }, { additionalProperties: true });

/** The body of the answer to `getSessionByLoginId`, unchanged: `{token: "…"}` from the sidecar, any JSON from others. */
export type SessionAnswer = unknown;

/** A device as the person sees it. `id` is the id of its passkey in base64url. */
export interface DeviceView {
  readonly id: string;
  readonly name: string;
  /** ISO 8601. */
  readonly addedAt: string;
}

/** `POST /platform/discover`: looks the login id up with `getOwnIDDataByLoginId`. */
export const DiscoverRequest = t.Object({ loginId: LoginId });
export type DiscoverRequest = Static<typeof DiscoverRequest>;

export interface DiscoverAnswer {
  readonly outcome: "accountFound" | "accountNotFound" | "accountBlocked";
  /** Whether the account was found and has a passkey. */
  readonly hasPasskey: boolean;
}

/**
 * Authorizes a change of the account. `authToken` is a session token that this platform has passed on, or that of
 * `SiteSession`. `proof` comes from a verified one-time code. One of them is enough.
 */
const authorization = { authToken: t.Optional(t.String()), proof: t.Optional(t.String()) };
export const Authorization = t.Object(authorization);
export type Authorization = Static<typeof Authorization>;

/**
 * `POST /platform/passkeys/registration/start`
 *
 * - `register` is for a login id without an account. The site is not called.
 * - `enrol` adds a device to an account, and needs an `Authorization`.
 * - `recover` replaces all devices of an account, and needs a `proof`.
 */
export const StartRegistrationRequest = t.Object({
  purpose: t.Union([t.Literal("register"), t.Literal("enrol"), t.Literal("recover")]),
  loginId: LoginId,
  ...authorization,
});
export type StartRegistrationRequest = Static<typeof StartRegistrationRequest>;

export interface StartRegistrationAnswer {
  /** The name of this ceremony for `finish`. It can be used once, within five minutes. */
  readonly flow: string;
  readonly options: PublicKeyCredentialCreationOptionsJSON;
}

/** `POST /platform/passkeys/registration/finish` */
export const FinishRegistrationRequest = t.Object({
  flow: t.String(),
  response: t.Unsafe<RegistrationResponseJSON>(passkeyAnswer),
  /** The name of the device for the person. By default, the platform names it after the browser. */
  deviceName: t.Optional(DeviceName),
});
export type FinishRegistrationRequest = Static<typeof FinishRegistrationRequest>;

export interface FinishRegistrationAnswer {
  readonly purpose: StartRegistrationRequest["purpose"];
  readonly loginId: string;
  readonly device: DeviceView;
  /** With `register` only: the data that the site must store with the new user, verbatim. Nothing is written yet. */
  readonly ownIdData?: string;
  /** With `recover` only: the session of the new device. */
  readonly session?: SessionAnswer;
}

/**
 * `POST /platform/connections`: 204. Writes the `ownIdData` of `register` with `setOwnIDDataByLoginId`, for a site that
 * has created the user without it (`addOwnIDConnectionOnServer`).
 */
export const AddConnectionRequest = t.Object({ loginId: LoginId, ownIdData: t.String() });
export type AddConnectionRequest = Static<typeof AddConnectionRequest>;

/** `POST /platform/passkeys/authentication/start`: 404 `user_not_found`, 423 `user_blocked`. */
export const StartAuthenticationRequest = t.Object({ loginId: LoginId });
export type StartAuthenticationRequest = Static<typeof StartAuthenticationRequest>;

export interface StartAuthenticationAnswer {
  readonly flow: string;
  /** `allowCredentials` contains the devices in the site's current `ownIdData`. It may be empty. */
  readonly options: PublicKeyCredentialRequestOptionsJSON;
}

/** `POST /platform/passkeys/authentication/finish`: reads the device list again before it asks for the session. */
export const FinishAuthenticationRequest = t.Object({
  flow: t.String(),
  response: t.Unsafe<AuthenticationResponseJSON>(passkeyAnswer),
  /** The default is `browser`. */
  sessionType: t.Optional(t.String()),
});
export type FinishAuthenticationRequest = Static<typeof FinishAuthenticationRequest>;

export interface FinishAuthenticationAnswer {
  readonly loginId: string;
  readonly device: DeviceView;
  /** The SDK passes it to `onLogin` of the page. */
  readonly session: SessionAnswer;
}

/** `POST /platform/codes/send`: starts a one-time code; nothing is sent. 404 `user_not_found`, 423 `user_blocked`. */
export const SendCodeRequest = t.Object({
  purpose: t.Union([t.Literal("login"), t.Literal("enrol"), t.Literal("recover")]),
  loginId: LoginId,
});
export type SendCodeRequest = Static<typeof SendCodeRequest>;

export interface SendCodeAnswer {
  readonly flow: string;
  /** The masked address of the person, such as `s***@testmail.com`. */
  readonly sentTo: string;
}

/** `POST /platform/codes/verify`: 401 `code_invalid`, 429 `maximum_challenges_reached`. */
export const VerifyCodeRequest = t.Object({
  flow: t.String(),
  code: t.String(),
  sessionType: t.Optional(t.String()),
});
export type VerifyCodeRequest = Static<typeof VerifyCodeRequest>;

export interface VerifyCodeAnswer {
  readonly loginId: string;
  /** With `enrol` and `recover` only. It can be used once, within five minutes. */
  readonly proof?: string;
  /** With `login` only. */
  readonly session?: SessionAnswer;
}
