import type { Endpoint } from "../../client/endpoints.ts";
import type { WireCall } from "../api/wire-api.ts";
import { deliverWithFault, describeFault, type PlannedFaults } from "./planned-faults.ts";
import type { Send } from "./sender.ts";
import { createSignedMessage } from "./signed-message.ts";

export interface CallerOptions {
  readonly baseUrl: string;
  readonly sharedSecret: Uint8Array;
  readonly send: Send;
  readonly plannedFaults: PlannedFaults;
  /** Returns milliseconds since the Unix epoch, and never the same twice. */
  readonly now: () => number;
}

/** Calls one of the site's endpoints as OwnID's platform does, with the fault that is planned for it. Never throws. */
export type CallSite = (
  endpoint: Endpoint,
  content: Readonly<Record<string, unknown>>,
  reason: string,
) => Promise<WireCall>;

export function createCaller({ baseUrl, sharedSecret, send, plannedFaults, now }: CallerOptions): CallSite {
  const otherSecret = crypto.getRandomValues(new Uint8Array(sharedSecret.length));

  return (endpoint, content, reason) => {
    const fault = plannedFaults.take(endpoint);
    const message = createSignedMessage({
      baseUrl,
      endpoint,
      body: JSON.stringify(content),
      timestamp: String(now() + (fault?.clockSkewMs ?? 0)),
      sharedSecret: fault?.wrongSecret === true ? otherSecret : sharedSecret,
    });
    if (fault === null) return send({ message, reason });
    const sendWithFault = () =>
      send({
        message,
        reason,
        fault: describeFault(fault),
        deliver: (deliver) => deliverWithFault(fault, deliver),
      });
    const first = sendWithFault();
    // The platform waits for the first answer. The log alone shows what is answered to the copy.
    if (fault.duplicate === true) sendWithFault();
    return first;
  };
}
