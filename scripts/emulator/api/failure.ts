/**
 * The emulator's HTTP API: what the stand-in for the web SDK, the pages and tests send and receive. Bodies are JSON,
 * sent with `Content-Type: application/json`. Every answer that is not 2xx is a `PlatformFailure`.
 *
 * `/platform/…` takes requests from any page on this machine (CORS), since a site under test loads the SDK from here.
 * `/site/…`, `/wire…` and `/control/…` take them from the emulator's own pages and from programs without an `Origin`.
 */

export type PlatformFailure =
  | { readonly errorCode: "integration_error"; readonly scope: "data" | "session"; readonly message: string }
  | { readonly errorCode: Exclude<FailureCode, "integration_error">; readonly message: string };

export type FailureCode =
  /** 400: the body is not what the path takes. */
  | "request_invalid"
  /** 401: the passkey is not one of the user's devices, or its signature is wrong. */
  | "passkey_invalid"
  /** 401: the one-time code is wrong. */
  | "code_invalid"
  /** 401: neither `authToken` nor `proof` names the user. */
  | "authorization_invalid"
  /** 403: the request comes from a host or an origin that the emulator does not serve. */
  | "origin_refused"
  /** 404: the site answered 404 for the login id. */
  | "user_not_found"
  /** 404: `/control/…` only: the user has no device of that name. */
  | "device_not_found"
  /** 404: no such path, or no call with that id. */
  | "not_found"
  /** 409: a user with that login id exists. */
  | "user_exists"
  /** 410: the flow is unknown, over, or older than five minutes. */
  | "flow_expired"
  /** 423: the site answered 423. */
  | "user_blocked"
  /** 424: an endpoint of the site failed: `data` = get or set, `session` = getSession. */
  | "integration_error"
  /** 429: the one-time code was wrong three times. */
  | "maximum_challenges_reached"
  /** 500 */
  | "internal_error";
