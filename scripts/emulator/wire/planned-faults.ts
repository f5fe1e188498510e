import { STATUS_CODES } from "node:http";
import type { Endpoint } from "../../client/endpoints.ts";
import { NoAnswer } from "../../client/no-answer.ts";
import type { Answer } from "../../client/send.ts";
import type { NextCallRequest } from "../api/control-api.ts";
import { RequestFailed } from "../api/failure.ts";

/** Faults that a test has planned for the next calls. */
export interface PlannedFaults {
  /** @throws {RequestFailed} `request_invalid`: the request names no fault */
  plan(fault: NextCallRequest): void;
  /** Forgets the faults that no call has taken. */
  clear(): void;
  /** Returns the first fault that is planned for this endpoint and forgets it, or returns `null`. */
  take(endpoint: Endpoint): NextCallRequest | null;
}

export function createPlannedFaults(): PlannedFaults {
  const faults: NextCallRequest[] = [];
  return {
    plan(fault) {
      if (describeFault(fault) === "") {
        throw new RequestFailed("request_invalid", "The request names no fault, such as `drop` or `status`.");
      }
      faults.push(fault);
    },
    clear: () => void faults.splice(0),
    take(endpoint) {
      const index = faults.findIndex((fault) => (fault.endpoint ?? endpoint) === endpoint);
      return index < 0 ? null : (faults.splice(index, 1)[0] ?? null);
    },
  };
}

/**
 * Delivers one message with the fault. `send` sends it to the site.
 *
 * @throws {NoAnswer} the fault loses the request or the answer
 */
export async function deliverWithFault(
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

/** Describes the fault for the log of calls. */
export function describeFault(fault: NextCallRequest): string {
  const { delayMs, drop, duplicate, wrongSecret, clockSkewMs, status } = fault;
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
