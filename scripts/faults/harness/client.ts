import { type Action, endpoints } from "../../client/endpoints.ts";
import { fetchDirect } from "../../client/fetch-direct.ts";
import { createSignedClient, type SignedRequest } from "../../client/signed-client.ts";
import { type Sidecar, sharedSecret } from "./sidecar.ts";

/** The outcome of one request. Without an answer, `status` is 0 and `code` is the name of the error. */
export interface Reply {
  readonly status: number;
  /** The problem's code, or `""` for a successful answer. */
  readonly code: string;
  readonly body: string;
  readonly retryAfter: string | null;
  readonly invokedAt: number;
  readonly returnedAt: number;
}

export type Kind = Action;

const answerMs = 15_000;
let requests = 0;

/**
 * Signs a request. No two are equal even within a millisecond, since the body contains a number that the sidecar
 * ignores.
 */
export function signRequest(
  { baseUrl }: Pick<Sidecar, "baseUrl">,
  kind: Kind,
  content: Readonly<Record<string, string>>,
): SignedRequest {
  const client = createSignedClient({ baseUrl, sharedSecret, now: Date.now });
  return client.sign(endpoints[kind], { ...content, request: ++requests });
}

/** Sends the request once, on a new connection. A client that silently retried would falsify the history. */
export async function sendOnce({ method, url, headers, body }: SignedRequest): Promise<Reply> {
  const invokedAt = performance.now();
  const replyOf = (status: number, code: string, text: string, retryAfter: string | null): Reply => ({
    status,
    code,
    body: text,
    retryAfter,
    invokedAt,
    returnedAt: performance.now(),
  });
  try {
    const signal = AbortSignal.timeout(answerMs);
    const response = await fetchDirect(url, {
      method,
      headers: { ...headers },
      body,
      signal,
      keepalive: false,
    });
    const text = await response.text();
    return replyOf(response.status, codeOf(text), text, response.headers.get("retry-after"));
  } catch (error) {
    return replyOf(0, error instanceof Error ? error.name : "Error", "", null);
  }
}

export const ask = {
  get: (sidecar: Sidecar, loginId: string) => sendOnce(signRequest(sidecar, "get", { loginId })),
  set: (sidecar: Sidecar, loginId: string, ownIdData: string) =>
    sendOnce(signRequest(sidecar, "set", { loginId, ownIdData })),
  session: (sidecar: Sidecar, loginId: string) => sendOnce(signRequest(sidecar, "session", { loginId })),
};

/** Returns the value of the answer to a `get`, or `undefined` if it has none. */
export function readValue({ status, body }: Reply): string | null | undefined {
  if (status === 204) return null;
  return status === 200 ? (/^\{"ownIdData":"([^"\\]*)"\}$/.exec(body)?.[1] ?? undefined) : undefined;
}

function codeOf(body: string): string {
  return /"code":"(\w+)"/.exec(body)?.[1] ?? "";
}
