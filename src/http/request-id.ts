interface AnswerHeaders {
  readonly headers: Record<string, string | number | undefined>;
}

const processId = crypto.randomUUID().slice(0, 8);
let requestCount = 0;

/** Names a request in its answer, for a line in the log to name it too: once, whoever asks first. */
export function nameRequest({ headers }: AnswerHeaders): string {
  if (headers["x-request-id"] === undefined) {
    requestCount += 1;
    headers["x-request-id"] = `${processId}-${requestCount.toString(36)}`;
  }
  return String(headers["x-request-id"]);
}
