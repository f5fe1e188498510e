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
 * OwnID's platform. It keeps no device list of its own: the site's current `ownIdData` decides who may sign in, so that
 * a stale answer of the site becomes visible at once. `origin` is the origin of the page that the person uses.
 *
 * Every method rejects with `RequestFailed`.
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
  /** Returns the devices, for the account page of a site. */
  listDevices(loginId: string): Promise<readonly DeviceView[]>;
  /** Returns the remaining devices. */
  removeDevice(loginId: string, deviceId: string): Promise<readonly DeviceView[]>;
  /** Issues a token with which a person whom the site itself has signed in may add a device. */
  issueToken(loginId: string): string;
}
