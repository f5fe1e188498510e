import { Elysia } from "elysia";
import {
  AddConnectionRequest,
  DiscoverRequest,
  FinishAuthenticationRequest,
  FinishRegistrationRequest,
  SendCodeRequest,
  StartAuthenticationRequest,
  StartRegistrationRequest,
  VerifyCodeRequest,
} from "../api/platform-api.ts";
import { deviceNameOf } from "./device-name.ts";
import type { Platform } from "./platform.ts";

/** The routes under `/platform`, for the SDK. A request without `Origin` counts as one of `ownOrigin`. */
export function platformRoutes(platform: Platform, ownOrigin: string) {
  const originOf = ({ headers }: Request) => headers.get("origin") ?? ownOrigin;

  return new Elysia({ prefix: "/platform" })
    .post("/discover", ({ body }) => platform.discover(body.loginId), { body: DiscoverRequest })
    .post(
      "/passkeys/registration/start",
      ({ body, request }) => platform.startRegistration(body, originOf(request)),
      { body: StartRegistrationRequest },
    )
    .post(
      "/passkeys/registration/finish",
      ({ body, request: { headers } }) =>
        platform.finishRegistration({
          ...body,
          deviceName: body.deviceName ?? deviceNameOf(headers.get("user-agent") ?? ""),
        }),
      { body: FinishRegistrationRequest },
    )
    .post(
      "/passkeys/authentication/start",
      ({ body, request }) => platform.startAuthentication(body.loginId, originOf(request)),
      { body: StartAuthenticationRequest },
    )
    .post("/passkeys/authentication/finish", ({ body }) => platform.finishAuthentication(body), {
      body: FinishAuthenticationRequest,
    })
    .post(
      "/connections",
      async ({ body, set }) => {
        await platform.addConnection(body);
        set.status = 204;
      },
      { body: AddConnectionRequest },
    )
    .post("/codes/send", ({ body }) => platform.sendCode(body), { body: SendCodeRequest })
    .post("/codes/verify", ({ body }) => platform.verifyCode(body), { body: VerifyCodeRequest });
}
