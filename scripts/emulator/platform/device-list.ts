import { Value } from "@sinclair/typebox/value";
import { type Static, t } from "elysia";
import { parseJson } from "../../parse-json.ts";
import type { DeviceView } from "../api/platform-api.ts";

/** One device as it is stored in `ownIdData`. Bytes are in base64url. */
const Device = t.Object({
  /** The id of its passkey. */
  id: t.String(),
  name: t.String(),
  /** ISO 8601. */
  addedAt: t.String(),
  /** The public key in COSE form. */
  publicKey: t.String(),
  /** How the browser reaches it: `internal`, `hybrid`, `usb`, … */
  transports: t.Array(t.String()),
});
export type Device = Static<typeof Device>;

const DeviceList = t.Object({ devices: t.Array(Device) });

/** Reads the devices from `ownIdData`. Data of another form contains no device that could sign in here. */
export function readDevices(ownIdData: string | null): readonly Device[] {
  if (ownIdData === null) return [];
  const content = parseJson(ownIdData);
  return Value.Check(DeviceList, content) ? content.devices : [];
}

export function writeDevices(devices: readonly Device[]): string {
  return JSON.stringify({ devices });
}

export function viewOf({ id, name, addedAt }: Device): DeviceView {
  return { id, name, addedAt };
}
