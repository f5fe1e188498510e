import type { Action } from "../client/endpoints.ts";
import { type NoAnswer, timedOut } from "./connections.ts";
import type { Answer } from "./response-reader.ts";

/** The outcome of a request. `error` is `null` if the answer is one that the endpoint promises. */
export interface Verdict {
  readonly error: string | null;
  /** Whether any answer came. */
  readonly isAnswered: boolean;
  /** Whether the request timed out, so that its answer would have taken even longer. */
  readonly isTimeout: boolean;
}

/** The statuses of success, and how their bodies begin. */
const successes: Readonly<Record<Action, Readonly<Record<number, string>>>> = {
  get: { 200: '{"ownIdData":"', 204: "" },
  set: { 204: "" },
  session: { 200: '{"token":"' },
};

const succeeded: Verdict = { error: null, isAnswered: true, isTimeout: false };

/** Judges an answer by its status and body. Nothing of a body is reported except a problem's code. */
export function judge(endpoint: Action, outcome: Answer | NoAnswer): Verdict {
  if ("reason" in outcome) {
    return { error: outcome.reason, isAnswered: false, isTimeout: outcome.reason === timedOut };
  }
  const { status, bodyStart } = outcome;
  const beginning = successes[endpoint][status];
  if (beginning !== undefined && bodyStart.startsWith(beginning)) return succeeded;
  return { error: errorOf(status, bodyStart), isAnswered: true, isTimeout: false };
}

function errorOf(status: number, bodyStart: string): string {
  const [, code] = /"code":"(ERR_[A-Z0-9_]{1,40})"/.exec(bodyStart) ?? [];
  if (code !== undefined) return `${status} ${code}`;
  if (status === 404 || /^\{"errorCode":404\}/.test(bodyStart)) return `${status} no such user`;
  return status < 300 ? `${status} with another body than expected` : `${status}`;
}
