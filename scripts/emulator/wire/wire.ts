import { createTickingClock } from "../../client/ticking-clock.ts";
import { type CallSite, createCaller } from "./caller.ts";
import { createPlannedFaults, type PlannedFaults } from "./planned-faults.ts";
import { createSender, type Send } from "./sender.ts";
import { createWireLog, type WireLog } from "./wire-log.ts";

export interface WireOptions {
  /** Where the endpoints are, without a trailing slash. */
  readonly baseUrl: string;
  readonly sharedSecret: Uint8Array;
}

/** Sends calls to the site's endpoints, and keeps the log of them. */
export interface Wire extends WireOptions {
  readonly log: WireLog;
  readonly plannedFaults: PlannedFaults;
  readonly send: Send;
  readonly callSite: CallSite;
  /** Returns milliseconds since the Unix epoch, and never the same twice, because equal calls would then be signed alike. */
  readonly now: () => number;
}

export function createWire({ baseUrl, sharedSecret }: WireOptions): Wire {
  const log = createWireLog();
  const send = createSender(log);
  const plannedFaults = createPlannedFaults();
  const now = createTickingClock();
  const callSite = createCaller({ baseUrl, sharedSecret, send, plannedFaults, now });
  return { baseUrl, sharedSecret, log, plannedFaults, send, callSite, now };
}
