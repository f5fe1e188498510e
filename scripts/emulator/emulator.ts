import type { Config } from "../../src/config/load-config.ts";
import type { ControlRoutesOptions } from "./control/control-routes.ts";
import type { SeedParts } from "./control/seed.ts";
import { createState, type State } from "./control/state.ts";
import { createSteps } from "./control/steps.ts";
import { createVirtualDevices } from "./control/virtual-devices.ts";
import { createAuthorizations } from "./platform/authorizations.ts";
import { createCodes } from "./platform/codes.ts";
import { createPlatform } from "./platform/create-platform.ts";
import { createPasskeys } from "./platform/passkeys.ts";
import type { Platform } from "./platform/platform.ts";
import { createSiteEndpoints } from "./platform/site-endpoints.ts";
import type { Sidecar } from "./sidecar/sidecar.ts";
import { createBlockUser } from "./site/block-user.ts";
import { createSessionCheck } from "./site/session-check.ts";
import type { SiteOptions } from "./site/site-routes.ts";
import { createUserRows } from "./site/user-rows.ts";
import { createCaller } from "./wire/caller.ts";
import { createNextCalls } from "./wire/next-call.ts";
import type { Resending } from "./wire/resend.ts";
import { createSender } from "./wire/sender.ts";
import { createWireLog, type WireLog } from "./wire/wire-log.ts";

export interface EmulatorOptions {
  readonly config: Config;
  readonly sidecar: Sidecar;
  readonly sharedSecret: Uint8Array;
  readonly oneTimeCode: string;
  /** The same one makes the same devices. */
  readonly runSeed: string;
  /** Of the emulator's own pages: known once it listens. */
  readonly origin: () => string;
}

/** All parts of the emulator, put together. It listens nowhere yet. */
export interface Emulator {
  readonly origin: () => string;
  readonly platform: Platform;
  readonly site: SiteOptions;
  readonly wire: { readonly log: WireLog; readonly resending: Resending };
  readonly control: ControlRoutesOptions;
  readonly seed: SeedParts;
  readonly state: State;
  close(): Promise<void>;
}

export function createEmulator(options: EmulatorOptions): Emulator {
  const { config, sharedSecret, oneTimeCode, origin } = options;
  const { baseUrl, opsUrl, adminToken } = options.sidecar;
  const log = createWireLog();
  const send = createSender(log);
  const nextCalls = createNextCalls();
  const knownUsers = new Set<string>();
  const isLower = config.requests.loginIdCase === "lower";
  const onUser = (loginId: string) => void knownUsers.add(isLower ? loginId.toLowerCase() : loginId);
  const endpoints = createSiteEndpoints(createCaller({ baseUrl, sharedSecret, send, nextCalls }), onUser);
  const passkeys = createPasskeys();
  const platform = createPlatform({
    site: endpoints,
    passkeys,
    codes: createCodes(oneTimeCode, Date.now),
    authorizations: createAuthorizations(Date.now),
    now: Date.now,
  });
  const rows = createUserRows(config, onUser);
  const devices = createVirtualDevices(options.runSeed);
  const block = createBlockUser({ rows, opsUrl, adminToken });
  const state = createState({ rows, block, endpoints, devices, passkeys, knownUsers });
  const steps = createSteps({ platform, rows, devices, oneTimeCode, origin });
  const backendToken = config.backendToken.reveal() ?? adminToken;
  return {
    origin,
    platform,
    site: {
      rows,
      platform,
      checkSession: createSessionCheck({ baseUrl, opsUrl, sessions: config.sessions, backendToken }),
    },
    wire: { log, resending: { baseUrl, sharedSecret, send } },
    control: {
      steps,
      state,
      nextCalls,
      block,
      facts: () => ({ baseUrl, opsUrl, oneTimeCode, users: [...knownUsers].toSorted() }),
    },
    seed: { steps, platform, rows, block },
    state,
    close: rows.close,
  };
}
