import { createHmac } from "node:crypto";
import type { PublicKeyCredentialRequestOptionsJSON } from "@simplewebauthn/server";
import type { EmulatorState } from "../api/control-api.ts";
import { createVirtualPasskey, type VirtualPasskey } from "./virtual-passkey.ts";

/** One passkey of one device. */
type KeptPasskey = EmulatorState["devices"][number];

/** Virtual devices, by login id and name. Like a phone, a device keeps every passkey that it has created. */
export interface VirtualDevices {
  /** Creates another passkey on the device. */
  make(loginId: string, name: string): VirtualPasskey;
  /** Returns the ids of the passkeys on the device. */
  idsOf(loginId: string, name: string): ReadonlySet<string>;
  /**
   * Returns the newest passkey of the device that the options allow. If they allow none, returns the newest of all, so
   * that the platform has to refuse it; a browser would say that it has no passkey. `null` = there is no such device.
   */
  choose(
    loginId: string,
    name: string,
    options: Pick<PublicKeyCredentialRequestOptionsJSON, "allowCredentials">,
  ): VirtualPasskey | null;
  list(): KeptPasskey[];
  restore(passkeys: readonly KeptPasskey[]): void;
}

/** Two runs with the same `runSeed` and the same order of steps create the same passkeys. */
export function createVirtualDevices(runSeed: string): VirtualDevices {
  const kept: { readonly entry: KeptPasskey; readonly passkey: VirtualPasskey }[] = [];

  function put(entry: KeptPasskey): VirtualPasskey {
    const passkey = createVirtualPasskey(Buffer.from(entry.keySeed, "base64url"));
    kept.push({ entry, passkey });
    return passkey;
  }

  const passkeysOf = (loginId: string, name: string) =>
    kept
      .filter(({ entry }) => entry.loginId === loginId && entry.name === name)
      .map(({ passkey }) => passkey);

  return {
    make(loginId, name) {
      const ordinal = passkeysOf(loginId, name).length + 1;
      const keySeed = createHmac("sha256", runSeed)
        .update(JSON.stringify([loginId, name, ordinal]))
        .digest("base64url");
      return put({ loginId, name, keySeed });
    },
    idsOf: (loginId, name) => new Set(passkeysOf(loginId, name).map(({ id }) => id)),
    choose(loginId, name, { allowCredentials = [] }) {
      const passkeys = passkeysOf(loginId, name);
      const allowed = passkeys.findLast(({ id }) =>
        allowCredentials.some((credential) => credential.id === id),
      );
      return allowed ?? passkeys.at(-1) ?? null;
    },
    list: () => kept.map(({ entry }) => entry),
    restore: (passkeys) => passkeys.forEach(put),
  };
}
