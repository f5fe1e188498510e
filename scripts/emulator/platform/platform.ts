import type {
  AddConnectionRequest,
  DeviceView,
  DiscoverAnswer,
  FinishAuthenticationAnswer,
  FinishAuthenticationRequest,
  FinishRegistrationAnswer,
  FinishRegistrationRequest,
  SendCodeAnswer,
  SendCodeRequest,
  StartAuthenticationAnswer,
  StartRegistrationAnswer,
  StartRegistrationRequest,
  VerifyCodeAnswer,
  VerifyCodeRequest,
} from "../api/platform-api.ts";

/**
 * OwnID's platform. It keeps no device list of its own: what the site's `ownIdData` holds at the moment decides who may
 * sign in, so that a stale answer of the site shows at once. `origin` is that of the page in which the person is.
 *
 * All of them reject with `RequestFailed`.
 */
export interface Platform {
  discover(loginId: string): Promise<DiscoverAnswer>;
  startRegistration(request: StartRegistrationRequest, origin: string): Promise<StartRegistrationAnswer>;
  finishRegistration(request: FinishRegistrationRequest): Promise<FinishRegistrationAnswer>;
  addConnection(request: AddConnectionRequest): Promise<void>;
  startAuthentication(loginId: string, origin: string): Promise<StartAuthenticationAnswer>;
  finishAuthentication(request: FinishAuthenticationRequest): Promise<FinishAuthenticationAnswer>;
  sendCode(request: SendCodeRequest): Promise<SendCodeAnswer>;
  verifyCode(request: VerifyCodeRequest): Promise<VerifyCodeAnswer>;
  /** For the site's own account page. */
  listDevices(loginId: string): Promise<readonly DeviceView[]>;
  /** Returns the devices that are left. */
  removeDevice(loginId: string, deviceId: string): Promise<readonly DeviceView[]>;
  /** A token with which the page of a person whom the site has signed in may enrol a device. */
  issueToken(loginId: string): string;
}
