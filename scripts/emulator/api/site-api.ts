import type { DeviceView, SessionAnswer } from "./platform-api.ts";

/** The backend of the demo site, under `/site`. */

/** `POST /site/register`: 201 `SiteSession`; inserts the row and signs the person in. 409 `user_exists`. */
export interface RegisterRequest {
  readonly loginId: string;
  /** From `onRegister`, verbatim. */
  readonly ownIdData?: string;
}

/** `POST /site/login`: 200 `SiteSession`. The site verifies what `onLogin` gave; 401 `authorization_invalid`. */
export interface SiteLoginRequest {
  readonly session: SessionAnswer;
}

/**
 * `GET /site/session`, which the protected page shows: 200, or 401 `authorization_invalid`.
 * `POST /site/logout`: 204.
 */
export interface SiteSession {
  readonly loginId: string;
  readonly signedInBy: "registration" | "ownid";
  /** For `enrollCredential({loginId, authToken})`. */
  readonly authToken: string;
  /** The session token's verified header and claims; `null` after a registration. */
  readonly token: {
    readonly header: Readonly<Record<string, unknown>>;
    readonly claims: Readonly<Record<string, unknown>>;
  } | null;
}

/** `GET /site/devices`: 200 with the devices of the person who is signed in. */
export interface SiteDevices {
  readonly devices: readonly DeviceView[];
}

/** `POST /site/devices/remove`: 200 `SiteDevices`, as they are afterwards. */
export interface RemoveSiteDeviceRequest {
  readonly deviceId: string;
}
