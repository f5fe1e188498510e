import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from "@simplewebauthn/server";
import { type Static, t } from "elysia";

/** What the SDK calls, under `/platform`. */

const loginId = t.String({ minLength: 1, maxLength: 320 });
/** An answer of the browser's WebAuthn API. Only its id is looked at here; the rest is what the verification is about. */
const passkeyAnswer = t.Object({ id: t.String() }, { additionalProperties: true });

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
export const DiscoverRequest = t.Object({ loginId });
export type DiscoverRequest = Static<typeof DiscoverRequest>;

export interface DiscoverAnswer {
  readonly outcome: "accountFound" | "accountNotFound" | "accountBlocked";
  /** Whether the account has a passkey. `false` unless it was found. */
  readonly hasPasskey: boolean;
}

/**
 * Says that the person may change the account: `authToken` is a session token that this platform has handed on, or
 * `authToken` of `SiteSession`; `proof` is what a verified one-time code gave. Either one is enough.
 */
const authorization = { authToken: t.Optional(t.String()), proof: t.Optional(t.String()) };
export const Authorization = t.Object(authorization);
export type Authorization = Static<typeof Authorization>;

/**
 * `POST /platform/passkeys/registration/start`
 *
 * - `register`: for a login id that has no account yet; the site is not called.
 * - `enrol`: adds a device to an existing account; needs an `Authorization`.
 * - `recover`: replaces all devices of an existing account; needs a `proof`.
 */
export const StartRegistrationRequest = t.Object({
  purpose: t.Union([t.Literal("register"), t.Literal("enrol"), t.Literal("recover")]),
  loginId,
  ...authorization,
});
export type StartRegistrationRequest = Static<typeof StartRegistrationRequest>;

export interface StartRegistrationAnswer {
  /** Names this ceremony in `finish`; valid once and for five minutes. */
  readonly flow: string;
  readonly options: PublicKeyCredentialCreationOptionsJSON;
}

/** `POST /platform/passkeys/registration/finish` */
export const FinishRegistrationRequest = t.Object({
  flow: t.String(),
  response: t.Unsafe<RegistrationResponseJSON>(passkeyAnswer),
  /** How the person will see the device; the platform names it after the browser otherwise. */
  deviceName: t.Optional(t.String({ minLength: 1, maxLength: 60 })),
});
export type FinishRegistrationRequest = Static<typeof FinishRegistrationRequest>;

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
export const AddConnectionRequest = t.Object({ loginId, ownIdData: t.String() });
export type AddConnectionRequest = Static<typeof AddConnectionRequest>;

/** `POST /platform/passkeys/authentication/start`: 404 `user_not_found`, 423 `user_blocked`. */
export const StartAuthenticationRequest = t.Object({ loginId });
export type StartAuthenticationRequest = Static<typeof StartAuthenticationRequest>;

export interface StartAuthenticationAnswer {
  readonly flow: string;
  /** `allowCredentials` lists the devices that the site's `ownIdData` holds now; it may be empty. */
  readonly options: PublicKeyCredentialRequestOptionsJSON;
}

/** `POST /platform/passkeys/authentication/finish`: reads the device list again before it asks for the session. */
export const FinishAuthenticationRequest = t.Object({
  flow: t.String(),
  response: t.Unsafe<AuthenticationResponseJSON>(passkeyAnswer),
  /** `browser` unless it says otherwise. */
  sessionType: t.Optional(t.String()),
});
export type FinishAuthenticationRequest = Static<typeof FinishAuthenticationRequest>;

export interface FinishAuthenticationAnswer {
  readonly loginId: string;
  readonly device: DeviceView;
  /** What the SDK hands to the page's `onLogin`. */
  readonly session: SessionAnswer;
}

/** `POST /platform/codes/send`: "sends" a one-time code. 404 `user_not_found`, 423 `user_blocked`. */
export const SendCodeRequest = t.Object({
  purpose: t.Union([t.Literal("login"), t.Literal("enrol"), t.Literal("recover")]),
  loginId,
});
export type SendCodeRequest = Static<typeof SendCodeRequest>;

export interface SendCodeAnswer {
  readonly flow: string;
  /** Where a real code would have gone, such as `s***@testmail.com`. */
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
  /** `enrol` and `recover`: valid once and for five minutes. */
  readonly proof?: string;
  /** `login` only. */
  readonly session?: SessionAnswer;
}
