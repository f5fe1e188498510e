import type { DeviceView, SessionAnswer } from "./platform-api.ts";
import type { Endpoint } from "./wire-api.ts";

/** For tests: everything without a browser, under `/control`. */

/** `GET /control`: what a test needs to know. */
export interface ControlFacts {
  /** Where the site's endpoints are, such as `http://127.0.0.1:3300/ownid`. */
  readonly baseUrl: string;
  readonly opsUrl: string | null;
  readonly oneTimeCode: string;
  readonly users: readonly string[];
}

/** `POST /control/register`: a device makes a passkey, the site inserts the row. 201 `ControlAnswer`. */
/** `POST /control/login`: 200 `ControlAnswer` with `session`. */
/** `POST /control/enrol`: adds the device. 200. */
/** `POST /control/recover`: the device becomes the only one. 200 with `session`. */
/** `POST /control/remove-device`: 200. */
export interface ControlRequest {
  readonly loginId: string;
  /** A device of the emulator's own, made where it is missing: a name of your choice. `phone` unless it says otherwise. */
  readonly device?: string;
  /** `login` and `recover` */
  readonly sessionType?: string;
}
export interface ControlAnswer {
  readonly loginId: string;
  readonly device: DeviceView;
  /** All devices as the site's `ownIdData` lists them now. */
  readonly devices: readonly DeviceView[];
  readonly session?: SessionAnswer;
}

/** `POST /control/block` `{loginId, blocked}`: 204; needs `USERS_BLOCKED_COLUMN`. */
export interface BlockRequest {
  readonly loginId: string;
  readonly blocked: boolean;
}

/** `POST /control/next-call`: 204. It spoils the next call that the platform makes (to `endpoint`), once. */
export interface NextCallRequest {
  readonly endpoint?: Endpoint;
  /** Waits so long before it sends. */
  readonly delayMs?: number;
  /** `request`: it never arrives. `answer`: it arrives, and its answer is lost. */
  readonly drop?: "request" | "answer";
  /** Sends the same signed request twice, at once. */
  readonly duplicate?: boolean;
  /** Signs with another secret. */
  readonly wrongSecret?: boolean;
  /** Adds so much to the timestamp before it signs; negative: a clock that is slow. */
  readonly clockSkewMs?: number;
  /** Something in front of the site answers with this status; the request does not arrive. */
  readonly status?: number;
}

/** `GET /control/state` and `PUT /control/state`: users and devices, as `--state` keeps them. */
