import type { Config } from "../../src/config/load-config.ts";
import { createState, type State } from "./control/state.ts";
import { createSteps, type Steps } from "./control/steps.ts";
import { createVirtualDevices } from "./control/virtual-devices.ts";
import { createAuthorizations } from "./platform/authorizations.ts";
import { createCodes } from "./platform/codes.ts";
import { createPlatform } from "./platform/create-platform.ts";
import { createPasskeys } from "./platform/passkeys.ts";
import type { Platform } from "./platform/platform.ts";
import { createSiteEndpoints } from "./platform/site-endpoints.ts";
import type { Sidecar } from "./sidecar/sidecar.ts";
import { createSite, type Site } from "./site/site.ts";
import { createWire, type Wire } from "./wire/wire.ts";

export interface EmulatorOptions {
  readonly config: Config;
  readonly sidecar: Sidecar;
  readonly sharedSecret: Uint8Array;
  readonly oneTimeCode: string;
  /** The virtual devices of two runs with the same seed have the same passkeys. */
  readonly runSeed: string;
  /** The origin of the emulator's own pages. */
  readonly origin: string;
}

/** The parts of the emulator, without a listener. */
export interface Emulator {
  readonly wire: Wire;
  readonly platform: Platform;
  readonly site: Site;
  readonly steps: Steps;
  readonly state: State;
  /** Returns the login ids that this run has seen, in alphabetical order. */
  users(): readonly string[];
  close(): Promise<void>;
}

export function createEmulator(options: EmulatorOptions): Emulator {
  const { config, sidecar, sharedSecret, oneTimeCode, runSeed, origin } = options;
  const users = new Set<string>();
  const isLower = config.requests.loginIdCase === "lower";
  const onUser = (loginId: string) => void users.add(isLower ? loginId.toLowerCase() : loginId);

  const wire = createWire({ baseUrl: sidecar.baseUrl, sharedSecret });
  const endpoints = createSiteEndpoints(wire.callSite, onUser);
  const passkeys = createPasskeys();
  const platform = createPlatform({
    site: endpoints,
    passkeys,
    codes: createCodes(oneTimeCode, Date.now),
    authorizations: createAuthorizations(Date.now),
    now: Date.now,
  });
  const site = createSite(config, sidecar, onUser);
  const { rows, block } = site;
  const devices = createVirtualDevices(runSeed);
  return {
    wire,
    platform,
    site,
    steps: createSteps({ platform, rows, devices, oneTimeCode, origin }),
    state: createState({ rows, block, endpoints, devices, passkeys, knownUsers: users }),
    users: () => [...users].toSorted(),
    close: rows.close,
  };
}
