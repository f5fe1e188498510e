import { RequestFailed } from "../api/failure.ts";
import type { FinishRegistrationAnswer, StartRegistrationRequest } from "../api/platform-api.ts";
import { type Device, readDevices, viewOf, writeDevices } from "./device-list.ts";
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

/** New devices: of a person who is about to register, of one who adds a device, and of one who has lost them all. */
export function createRegistrations(
  parts: PlatformParts,
): Pick<Platform, "startRegistration" | "finishRegistration" | "addConnection"> {
  const { site, passkeys, authorizations, now } = parts;
  const started = createPending<Started>(now);
  /** What `register` gave for whom: `addConnection` takes nothing else. */
  const connections = new Map<string, string>();

  async function store(purpose: Purpose, loginId: string, device: Device): Promise<Stored> {
    if (purpose === "register") {
      const ownIdData = writeDevices([device]);
      connections.set(ownIdData, loginId);
      return { ownIdData };
    }
    if (purpose === "enrol") {
      const devices = readDevices(await site.getOwnIdData(loginId, "adding a device: reading the list"));
      await site.setOwnIdData(
        loginId,
        writeDevices([...devices, device]),
        "adding a device: writing the list",
      );
      return {};
    }
    await site.setOwnIdData(loginId, writeDevices([device]), "recovery: replacing the list");
    const session = await site.getSession(loginId, "browser", "recovery: signing in");
    authorizations.rememberSession(loginId, session);
    return { session };
  }

  return {
    async startRegistration({ purpose, loginId, ...authorization }, origin) {
      if (purpose !== "register") authorizations.ensure(authorization, loginId, purpose);
      const existing =
        purpose === "enrol"
          ? readDevices(await site.getOwnIdData(loginId, "adding a device: which ones are there?"))
          : [];
      const options = await passkeys.creationOptions(loginId, origin, existing);
      return { flow: started.add({ purpose, loginId, origin, challenge: options.challenge }), options };
    },

    async finishRegistration({ flow, response, deviceName = defaultName }) {
      const ceremony = started.take(flow);
      if (ceremony === null)
        throw new RequestFailed("flow_expired", "This registration is over. Start again.");
      const { purpose, loginId } = ceremony;
      const device = await passkeys.verifyCreation(response, ceremony, deviceName);
      const stored = await store(purpose, loginId, device);
      return { purpose, loginId, device: viewOf(device), ...stored };
    },

    async addConnection({ loginId, ownIdData }) {
      if (connections.get(ownIdData) !== loginId) {
        throw new RequestFailed(
          "authorization_invalid",
          "This ownIdData was not made for this login id here.",
        );
      }
      await site.setOwnIdData(loginId, ownIdData, "connecting a user that the site has registered");
    },
  };
}

type Stored = Pick<FinishRegistrationAnswer, "ownIdData" | "session">;
