import { type Static, t } from "elysia";
import { LoginId } from "./names.ts";
import type { DeviceView, SessionAnswer } from "./platform-api.ts";

/** The API of the demo site's backend under `/site`. */

/** `POST /site/register`: 201 `SiteSession`. Inserts the row and signs the person in. 409 `user_exists`. */
export const RegisterRequest = t.Object({
  loginId: LoginId,
  /** The value that `onRegister` received, verbatim. */
  ownIdData: t.Optional(t.String()),
});
export type RegisterRequest = Static<typeof RegisterRequest>;

/** `POST /site/login`: 200 `SiteSession`. The site verifies the session of `onLogin`. 401 `authorization_invalid`. */
export const SiteLoginRequest = t.Object({ session: t.Unsafe<SessionAnswer>(t.Any()) });
export type SiteLoginRequest = Static<typeof SiteLoginRequest>;

/**
 * `GET /site/session`, which the protected page shows: 200, or 401 `authorization_invalid`.
 * `POST /site/logout`: 204.
 */
export interface SiteSession {
  readonly loginId: string;
  readonly signedInBy: "registration" | "ownid";
  /** For `enrollCredential({loginId, authToken})`. */
  readonly authToken: string;
  /** The verified session token; `null` after a registration. */
  readonly token: VerifiedToken | null;
}

/** The header and the claims of a verified session token. */
export interface VerifiedToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** `GET /site/devices`: 200 with the devices of the person who is signed in. */
export interface SiteDevices {
  readonly devices: readonly DeviceView[];
}

/** `POST /site/devices/remove`: 200 with the remaining `SiteDevices`. */
export const RemoveSiteDeviceRequest = t.Object({ deviceId: t.String() });
export type RemoveSiteDeviceRequest = Static<typeof RemoveSiteDeviceRequest>;
