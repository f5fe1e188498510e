import { RequestFailed } from "../api/failure.ts";
import type { FinishRegistrationAnswer, StartRegistrationRequest } from "../api/platform-api.ts";
import { type Device, readDevices, viewOf, writeDevices } from "./device-list.ts";
import { openSession } from "./open-session.ts";
import type { Ceremony } from "./passkeys.ts";
import { createPending } from "./pending.ts";
import type { Platform } from "./platform.ts";
import type { PlatformParts } from "./platform-parts.ts";

type Purpose = StartRegistrationRequest["purpose"];

interface Started extends Ceremony {
  readonly purpose: Purpose;
  readonly loginId: string;
}

const defaultName = "passkey";

/** Creates passkeys: for a new account, for another device of an account, and to recover an account. */
export function createRegistrations(
  parts: PlatformParts,
): Pick<Platform, "startRegistration" | "finishRegistration" | "addConnection"> {
  const { site, passkeys, authorizations, now } = parts;
  const started = createPending<Started>(now);
  /** The login id for which each `ownIdData` was created. `addConnection` accepts no other data. */
  const connections = new Map<string, string>();

  const stores: Readonly<Record<Purpose, (loginId: string, device: Device) => Promise<Stored>>> = {
    async register(loginId, device) {
      const ownIdData = writeDevices([device]);
      connections.set(ownIdData, loginId);
      return { ownIdData };
    },
    async enrol(loginId, device) {
      const devices = readDevices(await site.getOwnIdData(loginId, "add a device: read the list"));
      await site.setOwnIdData(loginId, writeDevices([...devices, device]), "add a device: write the list");
      return {};
    },
    async recover(loginId, device) {
      await site.setOwnIdData(loginId, writeDevices([device]), "recovery: replace the list");
      return { session: await openSession(parts, loginId, "browser", "recovery: ask for the session") };
    },
  };

  async function existingDevices(purpose: Purpose, loginId: string): Promise<readonly Device[]> {
    if (purpose !== "enrol") return [];
    return readDevices(await site.getOwnIdData(loginId, "add a device: read which ones exist"));
  }

  return {
    async startRegistration({ purpose, loginId, ...authorization }, origin) {
      if (purpose !== "register") authorizations.ensure(authorization, loginId, purpose);
      const existing = await existingDevices(purpose, loginId);
      const options = await passkeys.creationOptions(loginId, origin, existing);
      return { flow: started.add({ purpose, loginId, origin, challenge: options.challenge }), options };
    },

    async finishRegistration({ flow, response, deviceName = defaultName }) {
      const ceremony = started.take(flow);
      if (ceremony === null)
        throw new RequestFailed("flow_expired", "This registration has expired. Start again.");
      const { purpose, loginId } = ceremony;
      const device = await passkeys.verifyCreation(response, ceremony, deviceName);
      const stored = await stores[purpose](loginId, device);
      return { purpose, loginId, device: viewOf(device), ...stored };
    },

    async addConnection({ loginId, ownIdData }) {
      if (connections.get(ownIdData) !== loginId) {
        throw new RequestFailed(
          "authorization_invalid",
          "The emulator has not created this ownIdData for this login id.",
        );
      }
      await site.setOwnIdData(loginId, ownIdData, "connect a user whom the site has registered");
    },
  };
}

type Stored = Pick<FinishRegistrationAnswer, "ownIdData" | "session">;
