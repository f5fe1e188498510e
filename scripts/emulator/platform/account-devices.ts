import { RequestFailed } from "../api/failure.ts";
import { readDevices, viewOf, writeDevices } from "./device-list.ts";
import type { Platform } from "./platform.ts";
import type { PlatformParts } from "./platform-parts.ts";

/** Lists and removes the devices of an account, for the account page of a site. */
export function createAccountDevices({
  site,
  authorizations,
}: PlatformParts): Pick<Platform, "listDevices" | "removeDevice" | "issueToken"> {
  return {
    async listDevices(loginId) {
      return readDevices(await site.getOwnIdData(loginId, "list the devices")).map(viewOf);
    },

    async removeDevice(loginId, deviceId) {
      const devices = readDevices(await site.getOwnIdData(loginId, "remove a device: read the list"));
      const left = devices.filter(({ id }) => id !== deviceId);
      if (left.length === devices.length) {
        throw new RequestFailed("device_not_found", "The user has no such device.");
      }
      await site.setOwnIdData(loginId, writeDevices(left), "remove a device: write the list");
      return left.map(viewOf);
    },

    issueToken: authorizations.issueToken,
  };
}
