import { createAccountDevices } from "./account-devices.ts";
import type { Platform } from "./platform.ts";
import type { PlatformParts } from "./platform-parts.ts";
import { createRegistrations } from "./registrations.ts";
import { createSignIns } from "./sign-ins.ts";

export function createPlatform(parts: PlatformParts): Platform {
  return { ...createSignIns(parts), ...createRegistrations(parts), ...createAccountDevices(parts) };
}
