import type { ControlAnswer, ControlRequest, RemoveDeviceRequest } from "../api/control-api.ts";
import { RequestFailed } from "../api/failure.ts";
import type { DeviceView } from "../api/platform-api.ts";
import type { Platform } from "../platform/platform.ts";
import type { UserRows } from "../site/user-rows.ts";
import type { VirtualDevices } from "./virtual-devices.ts";

export interface StepsOptions {
  readonly platform: Platform;
  readonly rows: Pick<UserRows, "insert">;
  readonly devices: VirtualDevices;
  readonly oneTimeCode: string;
  /** The origin of the pages in which the devices are used. */
  readonly origin: string;
}

/** The steps that a person takes in a browser, with virtual devices. Each rejects with `RequestFailed`. */
export interface Steps {
  register(request: ControlRequest): Promise<ControlAnswer>;
  login(request: ControlRequest): Promise<ControlAnswer>;
  enrol(request: ControlRequest): Promise<ControlAnswer>;
  recover(request: ControlRequest): Promise<ControlAnswer>;
  removeDevice(request: RemoveDeviceRequest): Promise<ControlAnswer>;
}

export function createSteps({ platform, rows, devices, oneTimeCode, origin }: StepsOptions): Steps {
  async function prove(purpose: "enrol" | "recover", loginId: string): Promise<{ readonly proof?: string }> {
    const { flow } = await platform.sendCode({ purpose, loginId });
    const { proof } = await platform.verifyCode({ flow, code: oneTimeCode });
    return proof === undefined ? {} : { proof };
  }

  async function addPasskey(purpose: "register" | "enrol" | "recover", { loginId, device }: ControlRequest) {
    const authorization = purpose === "register" ? {} : await prove(purpose, loginId);
    const { flow, options } = await platform.startRegistration(
      { purpose, loginId, ...authorization },
      origin,
    );
    const response = devices.make(loginId, device).create(options, origin);
    return platform.finishRegistration({ flow, response, deviceName: device });
  }

  async function answerOf(loginId: string, device: DeviceView): Promise<ControlAnswer> {
    return { loginId, device, devices: await platform.listDevices(loginId) };
  }

  return {
    async register(request) {
      const { loginId } = request;
      const { device, ownIdData = null } = await addPasskey("register", request);
      await rows.insert({ loginId, ownIdData, blocked: false });
      return answerOf(loginId, device);
    },

    async login(request) {
      const { loginId, sessionType } = request;
      const { flow, options } = await platform.startAuthentication(loginId, origin);
      const passkey = devices.choose(loginId, request.device, options);
      if (passkey === null) throw unknownDevice();
      const { device, session } = await platform.finishAuthentication({
        flow,
        response: passkey.get(options, origin),
        ...(sessionType === undefined ? {} : { sessionType }),
      });
      return { loginId, device, session };
    },

    async enrol(request) {
      const { device } = await addPasskey("enrol", request);
      return answerOf(request.loginId, device);
    },

    async recover(request) {
      const { device, session } = await addPasskey("recover", request);
      return { ...(await answerOf(request.loginId, device)), session };
    },

    async removeDevice({ loginId, device: name, deviceId }) {
      const ids = deviceId === undefined ? devices.idsOf(loginId, name) : new Set([deviceId]);
      if (ids.size === 0) throw unknownDevice();
      const device = (await platform.listDevices(loginId)).find(({ id }) => ids.has(id));
      if (device === undefined) {
        throw new RequestFailed("device_not_found", "The user no longer has this device.");
      }
      return { loginId, device, devices: await platform.removeDevice(loginId, device.id) };
    },
  };
}

function unknownDevice(): RequestFailed {
  return new RequestFailed(
    "device_not_found",
    "The emulator has no virtual device of this name for this user.",
  );
}
