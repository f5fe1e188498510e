/**
 * The failures of the emulator's HTTP API, which the SDK, the pages and tests use. Bodies are JSON and are sent with
 * `Content-Type: application/json`. Every answer that is not 2xx is a `Failure`.
 *
 * `/platform/…` accepts requests of any page on this machine (CORS), because a site under test loads the SDK from here.
 * `/site/…`, `/wire…` and `/control/…` accept those of the emulator's own pages, and of programs, which send no `Origin`.
 */

/** Which endpoint of the site failed: `data` = get or set, `session` = getSession. */
export type IntegrationScope = "data" | "session";

export interface Failure {
  readonly errorCode: FailureCode;
  /** Only with `integration_error`. */
  readonly scope?: IntegrationScope;
  /** For the developer, in a sentence. */
  readonly message: string;
}

export type FailureCode = keyof typeof failureStatuses;

export const failureStatuses = {
  /** The body does not have the form that the path expects. */
  request_invalid: 400,
  /** The passkey is not one of the user's devices, or its signature is wrong. */
  passkey_invalid: 401,
  code_invalid: 401,
  /** Neither `authToken` nor `proof` belongs to the user, or the site does not accept the session. */
  authorization_invalid: 401,
  /** The request comes from a host or an origin that the emulator does not serve. */
  origin_refused: 403,
  /** The site answered 404 for the login id. */
  user_not_found: 404,
  /** The user has no such device. */
  device_not_found: 404,
  /** There is no such path, or no call with this id. */
  not_found: 404,
  user_exists: 409,
  /** The request needs a setting that is not set. */
  not_configured: 409,
  /** The flow is unknown, finished, or older than five minutes. */
  flow_expired: 410,
  /** The site answered 423. */
  user_blocked: 423,
  /** An endpoint of the site failed; `scope` says which. */
  integration_error: 424,
  /** The one-time code was wrong three times. */
  maximum_challenges_reached: 429,
  internal_error: 500,
  /** The user table refused the row, or did not answer. */
  database_failed: 502,
} as const;

/** The request was not carried out. It is answered with the status of the code. */
export class RequestFailed extends Error {
  readonly code: FailureCode;
  readonly scope: IntegrationScope | null;

  constructor(code: FailureCode, message: string, scope: IntegrationScope | null = null) {
    super(message);
    this.code = code;
    this.scope = scope;
  }

  toAnswer(): Failure {
    const { code: errorCode, scope, message } = this;
    return scope === null ? { errorCode, message } : { errorCode, scope, message };
  }
}
