import { Value } from "@sinclair/typebox/value";
import { type Static, t } from "elysia";
import type { DeviceView } from "../api/platform-api.ts";

/** One device as `ownIdData` keeps it. Bytes are base64url. */
const Device = t.Object({
  /** Of its passkey. */
  id: t.String(),
  name: t.String(),
  /** ISO 8601. */
  addedAt: t.String(),
  /** In COSE form. */
  publicKey: t.String(),
  /** How the browser reaches it: `internal`, `hybrid`, `usb`, … */
  transports: t.Array(t.String()),
});
export type Device = Static<typeof Device>;

const DeviceList = t.Object({ devices: t.Array(Device) });

/** The devices in a user's `ownIdData`. Data that someone else has made has none that could sign in here. */
export function readDevices(ownIdData: string | null): readonly Device[] {
  if (ownIdData === null) return [];
  try {
    const content: unknown = JSON.parse(ownIdData);
    return Value.Check(DeviceList, content) ? content.devices : [];
  } catch {
    return [];
  }
}

export function writeDevices(devices: readonly Device[]): string {
  return JSON.stringify({ devices });
}

export function viewOf({ id, name, addedAt }: Device): DeviceView {
  return { id, name, addedAt };
}
