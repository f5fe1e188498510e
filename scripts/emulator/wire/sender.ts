import { fetchDirect } from "../../client/fetch-direct.ts";
import { describeNoAnswer } from "../../sign/send.ts";
import type { WireCall } from "../api/wire-api.ts";
import type { SignedMessage } from "./signed-message.ts";
import type { WireLog } from "./wire-log.ts";

/** How long the platform waits for the site. OwnID publishes no figure. */
const answerMs = 10_000;

export interface Sending extends Pick<WireCall, "reason"> {
  readonly message: SignedMessage;
  readonly spoilt?: string | null;
  readonly resends?: number | null;
  /** What takes the place of the network, for a call that is to go wrong. */
  readonly deliver?: (send: () => Promise<Answered>) => Promise<Answered>;
}

export type Answered = NonNullable<WireCall["answer"]>;

/** No answer reached the platform. `message` says why. */
export class NoAnswer extends Error {}

/** Sends a message and shows it in the log, once when it is sent and once when it is over. Returns it with its end. */
export type Send = (sending: Sending) => Promise<WireCall>;

export function createSender(log: WireLog): Send {
  return async ({ message, reason, spoilt = null, resends = null, deliver = (send) => send() }) => {
    const open: WireCall = {
      id: log.nextId(),
      sentAt: new Date().toISOString(),
      reason,
      ...message,
      answer: null,
      failure: null,
      durationMs: null,
      spoilt,
      resends,
    };
    log.put(open);
    const startedAt = performance.now();
    const outcome = await deliver(() => exchange(message.request)).then(
      (answer) => ({ answer }),
      (error: unknown) => ({ failure: failureOf(error, message.request.url) }),
    );
    const durationMs = Math.round((performance.now() - startedAt) * 10) / 10;
    const call = { ...open, ...outcome, durationMs };
    log.put(call);
    return call;
  };
}

async function exchange({ url, headers, body }: WireCall["request"]): Promise<Answered> {
  const response = await fetchDirect(url, {
    method: "POST",
    headers,
    body,
    // OwnID does not follow one either, so that it is shown as it is.
    redirect: "manual",
    signal: AbortSignal.timeout(answerMs),
  });
  const { status, statusText } = response;
  return {
    status,
    statusText,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  };
}

function failureOf(error: unknown, url: string): string {
  if (error instanceof NoAnswer) return error.message;
  return describeNoAnswer(error, url, { limitMs: answerMs, argument: "--url" });
}
