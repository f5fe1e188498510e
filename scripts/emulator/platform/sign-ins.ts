import { RequestFailed } from "../api/failure.ts";
import { readDevices, viewOf } from "./device-list.ts";
import { openSession } from "./open-session.ts";
import type { Ceremony } from "./passkeys.ts";
import { createPending } from "./pending.ts";
import type { Platform } from "./platform.ts";
import type { PlatformParts } from "./platform-parts.ts";

const defaultSessionType = "browser";

/** Discovers accounts, and signs people in with a passkey or a one-time code. */
export function createSignIns(
  parts: PlatformParts,
): Pick<Platform, "discover" | "startAuthentication" | "finishAuthentication" | "sendCode" | "verifyCode"> {
  const { site, passkeys, codes, authorizations, now } = parts;
  const started = createPending<Ceremony & { readonly loginId: string }>(now);

  return {
    async discover(loginId) {
      try {
        const devices = readDevices(await site.getOwnIdData(loginId, "discovery"));
        return { outcome: "accountFound", hasPasskey: devices.length > 0 };
      } catch (error) {
        const outcome = error instanceof RequestFailed ? outcomes[error.code] : undefined;
        if (outcome === undefined) throw error;
        return { outcome, hasPasskey: false };
      }
    },

    async startAuthentication(loginId, origin) {
      const devices = readDevices(
        await site.getOwnIdData(loginId, "sign-in: read the devices that may answer"),
      );
      const options = await passkeys.requestOptions(origin, devices);
      return { flow: started.add({ loginId, origin, challenge: options.challenge }), options };
    },

    async finishAuthentication({ flow, response, sessionType = defaultSessionType }) {
      const ceremony = started.take(flow);
      if (ceremony === null)
        throw new RequestFailed("flow_expired", "This sign-in has expired. Start again.");
      const { loginId } = ceremony;
      const devices = readDevices(
        await site.getOwnIdData(loginId, "sign-in: check that the device is still listed"),
      );
      const device = devices.find(({ id }) => id === response.id);
      if (device === undefined) {
        throw new RequestFailed("passkey_invalid", "This device is not one of the user's devices.");
      }
      await passkeys.verifyAssertion(response, ceremony, device);
      const session = await openSession(parts, loginId, sessionType, "sign-in: ask for the session");
      return { loginId, device: viewOf(device), session };
    },

    async sendCode(request) {
      await site.getOwnIdData(request.loginId, `one-time code (${request.purpose}): check the account`);
      return { flow: codes.start(request), sentTo: masked(request.loginId) };
    },

    async verifyCode({ flow, code, sessionType = defaultSessionType }) {
      const { purpose, loginId } = codes.verify(flow, code);
      if (purpose !== "login") return { loginId, proof: authorizations.issueProof(loginId, purpose) };
      return {
        loginId,
        session: await openSession(parts, loginId, sessionType, "one-time code: ask for the session"),
      };
    },
  };
}

const outcomes: Readonly<Partial<Record<string, "accountNotFound" | "accountBlocked">>> = {
  user_not_found: "accountNotFound",
  user_blocked: "accountBlocked",
};

/** Turns `sol@testmail.com` into `s***@testmail.com`. */
function masked(loginId: string): string {
  const [first = ""] = loginId;
  const at = loginId.lastIndexOf("@");
  return `${first}***${at < 0 ? loginId.slice(-2) : loginId.slice(at)}`;
}
