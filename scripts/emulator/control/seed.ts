import { type Static, t } from "elysia";
import { DeviceName, LoginId } from "../api/names.ts";
import type { Platform } from "../platform/platform.ts";
import type { BlockUser } from "../site/block-user.ts";
import type { UserRows } from "../site/user-rows.ts";
import type { Steps } from "./steps.ts";

/** The format of `--seed`: the users that exist when the run begins, with their virtual devices. */
export const Seed = t.Array(
  t.Object(
    {
      loginId: LoginId,
      devices: t.Array(DeviceName, { default: [] }),
      blocked: t.Boolean({ default: false }),
    },
    { additionalProperties: false },
  ),
);
export type Seed = Static<typeof Seed>;

export interface SeedParts {
  readonly steps: Steps;
  readonly platform: Pick<Platform, "listDevices" | "removeDevice">;
  readonly rows: Pick<UserRows, "find" | "insert">;
  readonly block: BlockUser;
}

/** Creates the users of the seed, and changes those that exist already to match it. @throws {RequestFailed} */
export async function plantSeed(seed: Seed, { steps, platform, rows, block }: SeedParts): Promise<void> {
  for (const { loginId, devices, blocked } of seed) {
    const row = await rows.find(loginId);
    if (row?.blocked === true) await block(loginId, false);
    if (row === null) await rows.insert({ loginId, ownIdData: null, blocked: false });
    for (const { id } of await platform.listDevices(loginId)) await platform.removeDevice(loginId, id);
    for (const device of devices) await steps.enrol({ loginId, device });
    if (blocked) await block(loginId, true);
  }
}
