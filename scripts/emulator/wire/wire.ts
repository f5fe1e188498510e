import { type CallSite, createCaller } from "./caller.ts";
import { createNextCalls, type NextCalls } from "./next-call.ts";
import { createSender, type Send } from "./sender.ts";
import { createWireLog, type WireLog } from "./wire-log.ts";

export interface WireOptions {
  /** Where the endpoints are, without a trailing slash. */
  readonly baseUrl: string;
  readonly sharedSecret: Uint8Array;
}

/** The way to the site's endpoints, and the log of all that goes over it. */
export interface Wire extends WireOptions {
  readonly log: WireLog;
  readonly nextCalls: NextCalls;
  readonly send: Send;
  readonly callSite: CallSite;
}

export function createWire({ baseUrl, sharedSecret }: WireOptions): Wire {
  const log = createWireLog();
  const send = createSender(log);
  const nextCalls = createNextCalls();
  const callSite = createCaller({ baseUrl, sharedSecret, send, nextCalls });
  return { baseUrl, sharedSecret, log, nextCalls, send, callSite };
}
