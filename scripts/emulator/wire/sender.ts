import { NoAnswer } from "../../client/no-answer.ts";
import { type Answer, send } from "../../client/send.ts";
import type { WireCall } from "../api/wire-api.ts";
import type { SignedMessage } from "./signed-message.ts";
import type { WireLog } from "./wire-log.ts";

export interface Sending extends Pick<WireCall, "reason"> {
  readonly message: SignedMessage;
  readonly fault?: string | null;
  readonly resends?: number | null;
  /** Replaces the network for a call with a fault. @throws {NoAnswer} */
  readonly deliver?: (send: () => Promise<Answer>) => Promise<Answer>;
}

/** Sends a message, and records it in the log when it is sent and when it is over. Returns the finished call. */
export type Send = (sending: Sending) => Promise<WireCall>;

export function createSender(log: WireLog): Send {
  return async ({ message, reason, fault = null, resends = null, deliver = (send) => send() }) => {
    const open: WireCall = {
      id: log.nextId(),
      sentAt: new Date().toISOString(),
      reason,
      ...message,
      answer: null,
      failure: null,
      durationMs: null,
      fault,
      resends,
    };
    log.put(open);
    const startedAt = performance.now();
    const outcome = await outcomeOf(deliver(() => send(message.request)));
    const durationMs = Math.round((performance.now() - startedAt) * 10) / 10;
    const call = { ...open, ...outcome, durationMs };
    log.put(call);
    return call;
  };
}

async function outcomeOf(sent: Promise<Answer>): Promise<Pick<WireCall, "answer" | "failure">> {
  try {
    return { answer: await sent, failure: null };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return { answer: null, failure: error.message };
  }
}
