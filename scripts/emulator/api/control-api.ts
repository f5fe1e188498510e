import { type Static, t } from "elysia";
import { DeviceName, LoginId } from "./names.ts";
import type { DeviceView, SessionAnswer } from "./platform-api.ts";
import { EndpointName } from "./wire-api.ts";

/** The control API under `/control`, for tests without a browser. */

/** The answer of `GET /control`. */
export interface ControlFacts extends Addresses {
  readonly users: readonly string[];
}

/** The addresses of a run. */
export interface Addresses {
  readonly url: string;
  readonly sdkUrl: string;
  readonly wireUrl: string;
  readonly controlUrl: string;
  readonly oneTimeCode: string;
  /** Where the site's endpoints are, such as `http://127.0.0.1:3300/ownid`. */
  readonly baseUrl: string;
  /** `null` = unknown. */
  readonly opsUrl: string | null;
}

/** The name of a virtual device. */
const device = t.String({ ...DeviceName, default: "phone" });

/**
 * - `POST /control/register`: creates a passkey on the device, and the site inserts the row. 201 `ControlAnswer`.
 * - `POST /control/login`: signs in with the device. 200 with `session`.
 * - `POST /control/enrol`: adds the device. 200.
 * - `POST /control/recover`: replaces all devices by this one. 200 with `session`.
 */
export const ControlRequest = t.Object({
  loginId: LoginId,
  /** The name of a virtual device. It is created if it does not exist. */
  device,
  /** For `login`. The default is `browser`. */
  sessionType: t.Optional(t.String()),
});
export type ControlRequest = Static<typeof ControlRequest>;

/** `POST /control/remove-device`: 200. */
export const RemoveDeviceRequest = t.Object({
  loginId: LoginId,
  device,
  /** The id of any device of the user, also of one in a browser. `device` is then ignored. */
  deviceId: t.Optional(t.String()),
});
export type RemoveDeviceRequest = Static<typeof RemoveDeviceRequest>;

export interface ControlAnswer {
  readonly loginId: string;
  readonly device: DeviceView;
  /** All devices in the site's `ownIdData` afterwards. Absent for `login`, which makes no further lookup. */
  readonly devices?: readonly DeviceView[];
  readonly session?: SessionAnswer;
}

/** `POST /control/block` `{loginId, blocked}`: 204; needs `USERS_BLOCKED_COLUMN`. */
export const BlockRequest = t.Object({ loginId: LoginId, blocked: t.Boolean() });
export type BlockRequest = Static<typeof BlockRequest>;

/**
 * `POST /control/next-call`: 204. Plans a fault for the next call of the platform, or for the next one to `endpoint`.
 * Several faults apply to as many calls. `DELETE /control/next-call`: 204. Forgets the faults that no call has taken.
 */
export const NextCallRequest = t.Object(
  {
    endpoint: t.Optional(EndpointName),
    /** How long the call is delayed. */
    delayMs: t.Optional(t.Integer({ minimum: 0, maximum: 60_000 })),
    /** `request`: the request never arrives. `answer`: it arrives, and the answer is lost. */
    drop: t.Optional(t.Union([t.Literal("request"), t.Literal("answer")])),
    /** Sends the same signed request twice at once. */
    duplicate: t.Optional(t.Boolean()),
    /** Signs with another secret. */
    wrongSecret: t.Optional(t.Boolean()),
    /** Is added to the timestamp before signing. A negative value is a clock that is slow. */
    clockSkewMs: t.Optional(t.Integer()),
    /** Something in front of the site answers with this status, and the request does not arrive. */
    status: t.Optional(t.Integer({ minimum: 200, maximum: 599 })),
  },
  { additionalProperties: false },
);
export type NextCallRequest = Static<typeof NextCallRequest>;

/** `GET /control/state`, and `PUT /control/state`: 204. Users and devices, as `--state` keeps them. */
export const EmulatorState = t.Object({
  users: t.Array(
    t.Object({
      loginId: LoginId,
      ownIdData: t.Union([t.String(), t.Null()]),
      blocked: t.Boolean({ default: false }),
    }),
  ),
  /** The passkeys of the emulator's own devices, oldest first; a private key is derived from its `keySeed`. */
  devices: t.Array(t.Object({ loginId: LoginId, name: t.String(), keySeed: t.String() })),
  /** How often each passkey has signed, by its id. */
  counters: t.Record(t.String(), t.Integer()),
});
export type EmulatorState = Static<typeof EmulatorState>;
