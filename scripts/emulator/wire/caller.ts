import type { Endpoint, WireCall } from "../api/wire-api.ts";
import { deliverSpoilt, type NextCalls, wordsOf } from "./next-call.ts";
import type { Send } from "./sender.ts";
import { createSignedMessage } from "./signed-message.ts";

export interface CallerOptions {
  readonly baseUrl: string;
  readonly sharedSecret: Uint8Array;
  readonly send: Send;
  readonly nextCalls: NextCalls;
}

/** Calls one of the site's endpoints as OwnID's platform does, unless the next call is to be spoilt. Never throws. */
export type CallSite = (
  endpoint: Endpoint,
  content: Readonly<Record<string, unknown>>,
  reason: string,
) => Promise<WireCall>;

export function createCaller({ baseUrl, sharedSecret, send, nextCalls }: CallerOptions): CallSite {
  const otherSecret = crypto.getRandomValues(new Uint8Array(sharedSecret.length));

  return (endpoint, content, reason) => {
    const order = nextCalls.take(endpoint);
    const message = createSignedMessage({
      baseUrl,
      endpoint,
      body: JSON.stringify(content),
      timestamp: String(Date.now() + (order?.clockSkewMs ?? 0)),
      sharedSecret: order?.wrongSecret === true ? otherSecret : sharedSecret,
    });
    if (order === null) return send({ message, reason });
    const sending = { message, reason, spoilt: wordsOf(order) };
    const sendSpoilt = () => send({ ...sending, deliver: (deliver) => deliverSpoilt(order, deliver) });
    const first = sendSpoilt();
    // What is answered to the copy is in the log alone: the platform waits for the first one.
    if (order.duplicate === true) sendSpoilt();
    return first;
  };
}
