export interface AnswerHeaders {
  readonly headers: Record<string, string | number | undefined>;
}

const processId = crypto.randomUUID().slice(0, 8);
let requestCount = 0;

/** Returns the request id, assigning it and setting `x-request-id` on first use. */
export function requestIdOf({ headers }: AnswerHeaders): string {
  if (headers["x-request-id"] === undefined) {
    requestCount += 1;
    headers["x-request-id"] = `${processId}-${requestCount.toString(36)}`;
  }
  return String(headers["x-request-id"]);
}
