import { STATUS_CODES } from "node:http";
import { type Answer, NoAnswer } from "../../sign/send.ts";
import type { NextCallRequest } from "../api/control-api.ts";
import type { Endpoint } from "../api/wire-api.ts";

/** What goes wrong with calls to come, on purpose: the first order that fits a call is used up by it. */
export interface NextCalls {
  order(request: NextCallRequest): void;
  /** Forgets the orders that no call has used up. */
  clear(): void;
  /** `null`: nothing goes wrong with this call. */
  take(endpoint: Endpoint): NextCallRequest | null;
}

export function createNextCalls(): NextCalls {
  const orders: NextCallRequest[] = [];
  return {
    order: (request) => void orders.push(request),
    clear: () => void orders.splice(0),
    take(endpoint) {
      const index = orders.findIndex((order) => (order.endpoint ?? endpoint) === endpoint);
      return index < 0 ? null : (orders.splice(index, 1)[0] ?? null);
    },
  };
}

/** Delivers one message as the order says. `send` reaches the site. */
export async function deliverSpoilt(
  { delayMs = 0, drop, status }: NextCallRequest,
  send: () => Promise<Answer>,
): Promise<Answer> {
  await Bun.sleep(delayMs);
  if (drop === "request") throw new NoAnswer("The request was dropped on its way.");
  if (status !== undefined) return { status, statusText: STATUS_CODES[status] ?? "", headers: {}, body: "" };
  const answer = await send();
  if (drop === "answer") throw new NoAnswer("The answer was dropped on its way.");
  return answer;
}

/** In words, for the log of calls. */
export function wordsOf({
  delayMs,
  drop,
  duplicate,
  wrongSecret,
  clockSkewMs,
  status,
}: NextCallRequest): string {
  const words = [
    wrongSecret === true ? "signed with another secret" : null,
    clockSkewMs === undefined ? null : `timestamp off by ${clockSkewMs} ms`,
    delayMs === undefined ? null : `sent ${delayMs} ms late`,
    duplicate === true ? "sent twice at once" : null,
    drop === undefined ? null : `${drop} dropped`,
    status === undefined ? null : `answered ${status} before it reached the site`,
  ];
  return words.filter((word) => word !== null).join(", ");
}
