import { RequestFailed } from "../api/failure.ts";
import type { SendCodeRequest } from "../api/platform-api.ts";
import { createPending } from "./pending.ts";

const attemptsMax = 3;

/** One-time codes. Nothing is sent, and the right code is always the same, so that tests and people know it. */
export interface Codes {
  /** Returns the flow that `verify` takes. */
  start(request: SendCodeRequest): string;
  /**
   * Returns the request that the code belongs to. After a wrong code, the person may try again.
   *
   * @throws {RequestFailed} `flow_expired` | `code_invalid` | `maximum_challenges_reached`
   */
  verify(flow: string, code: string): SendCodeRequest;
}

export function createCodes(rightCode: string, now: () => number): Codes {
  const sent = createPending<{ readonly request: SendCodeRequest; failures: number }>(now);

  return {
    start: (request) => sent.add({ request, failures: 0 }),

    verify(flow, code) {
      const found = sent.find(flow);
      if (found === null)
        throw new RequestFailed("flow_expired", "This code has expired. Ask for another one.");
      if (code === rightCode) {
        sent.take(flow);
        return found.request;
      }
      found.failures += 1;
      if (found.failures < attemptsMax) throw new RequestFailed("code_invalid", "The code is wrong.");
      sent.take(flow);
      throw new RequestFailed(
        "maximum_challenges_reached",
        `The code was wrong ${attemptsMax} times. Ask for another one.`,
      );
    },
  };
}
