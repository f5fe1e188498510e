import { type Action, endpoints } from "../../client/endpoints.ts";
import { fetchDirect } from "../../client/fetch-direct.ts";
import { createSignedClient, type SignedRequest } from "../../client/signed-client.ts";
import { type Sidecar, sharedSecret } from "./sidecar.ts";

/** What came of one request; `status` is 0 where no answer came, and `code` then says so. */
export interface Reply {
  readonly status: number;
  /** The problem's code; `""` in a good answer. */
  readonly code: string;
  readonly body: string;
  readonly retryAfter: string | null;
  readonly invokedAt: number;
  readonly returnedAt: number;
}

export type Kind = Action;

const answerMs = 15_000;
let requests = 0;

/** No two are alike, also within a millisecond: the body carries a number that the sidecar ignores. */
export function signRequest(
  { baseUrl }: Pick<Sidecar, "baseUrl">,
  kind: Kind,
  content: Readonly<Record<string, string>>,
): SignedRequest {
  const client = createSignedClient({ baseUrl, sharedSecret, now: Date.now });
  return client.sign(endpoints[kind], { ...content, request: ++requests });
}

/** Sends it once, on a connection of its own: a client's silent second try would blur the history. */
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

/** The value that a `get` has answered; `undefined` if it answered none. */
export function readValue({ status, body }: Reply): string | null | undefined {
  if (status === 204) return null;
  return status === 200 ? (/^\{"ownIdData":"([^"\\]*)"\}$/.exec(body)?.[1] ?? undefined) : undefined;
}

function codeOf(body: string): string {
  return /"code":"(\w+)"/.exec(body)?.[1] ?? "";
}
