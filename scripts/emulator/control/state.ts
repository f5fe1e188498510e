import type { EmulatorState } from "../api/control-api.ts";
import type { Passkeys } from "../platform/passkeys.ts";
import type { SiteEndpoints } from "../platform/site-endpoints.ts";
import type { BlockUser } from "../site/block-user.ts";
import type { UserRows } from "../site/user-rows.ts";
import type { VirtualDevices } from "./virtual-devices.ts";

export interface StateParts {
  readonly rows: Pick<UserRows, "find" | "insert">;
  readonly block: BlockUser;
  readonly endpoints: Pick<SiteEndpoints, "setOwnIdData">;
  readonly devices: VirtualDevices;
  readonly passkeys: Pick<Passkeys, "counters">;
  /** The login ids that this run has seen. */
  readonly knownUsers: ReadonlySet<string>;
}

/** Carries users, virtual devices and signature counters to another run. Passkeys that a browser created stay there. */
export interface State {
  export(): Promise<EmulatorState>;
  /** Registers the users that do not exist, and replaces the data of those that do. @throws {RequestFailed} */
  import(state: EmulatorState): Promise<void>;
}

export function createState({ rows, block, endpoints, devices, passkeys, knownUsers }: StateParts): State {
  async function importUser(user: EmulatorState["users"][number]): Promise<void> {
    const { loginId, ownIdData, blocked } = user;
    const row = await rows.find(loginId);
    if (row === null) return rows.insert(user);
    if (row.blocked) await block(loginId, false);
    await endpoints.setOwnIdData(loginId, ownIdData ?? "", "import a state");
    if (blocked) await block(loginId, true);
  }

  return {
    async export() {
      const found = await Promise.all([...knownUsers].toSorted().map((loginId) => rows.find(loginId)));
      return {
        users: found.filter((row) => row !== null),
        devices: [...devices.list()],
        counters: Object.fromEntries(passkeys.counters),
      };
    },

    async import(state) {
      for (const user of state.users) await importUser(user);
      devices.restore(state.devices);
      for (const [id, counter] of Object.entries(state.counters)) passkeys.counters.set(id, counter);
    },
  };
}
