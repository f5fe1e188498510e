import { createHmac } from "node:crypto";
import { type Endpoint, endpoints } from "./endpoints.ts";

export interface SignedClientOptions {
  /** The URL of the endpoints, without a trailing slash. */
  readonly baseUrl: string;
  /** Answers the requests within this process; by default they go over the network. */
  readonly handle?: (request: Request) => Response | Promise<Response>;
  readonly sharedSecret: Uint8Array;
  /** Returns milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** A request as OwnID would send it. Tests change one member and send the rest unchanged. */
export interface SignedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The whole body as text; `""` if there is none. */
  readonly body: string;
}

/** The content of a request: an object is sent as JSON, and bytes and text are sent as they are. */
export type Content = Readonly<Record<string, unknown>> | Uint8Array | string;

export type SignedClient = ReturnType<typeof createSignedClient>;

/** Signs as OwnID does without using the sidecar's code, so that the sidecar can be tested against it. */
export function createSignedClient({ baseUrl, handle, sharedSecret, now }: SignedClientOptions) {
  function sign(endpoint: Endpoint, content: Content, timestamp = String(now())): SignedRequest {
    const body = bytesOf(content);
    return {
      method: "POST",
      url: `${baseUrl}/${endpoint}`,
      headers: {
        "content-type": "application/json",
        "ownid-signature": macOf(body, timestamp, sharedSecret),
        "ownid-timestamp": timestamp,
      },
      body,
    };
  }

  async function send({ method, url, headers, body }: SignedRequest): Promise<Answer> {
    const content = method === "GET" || method === "HEAD" ? {} : { body };
    const request = new Request(url, { method, headers, redirect: "manual", ...content });
    const response = await (handle ?? fetch)(request);
    return { status: response.status, headers: response.headers, body: await response.text() };
  }

  return {
    sign,
    send,
    get: (loginId: string) => send(sign(endpoints.get, { loginId })),
    set: (loginId: string, ownIdData: string) => send(sign(endpoints.set, { loginId, ownIdData })),
    session: (loginId: string, sessionType?: string) =>
      send(sign(endpoints.session, sessionType === undefined ? { loginId } : { loginId, sessionType })),
  };
}

/** Returns base64(HMAC-SHA256(shared secret, body + "." + timestamp)). */
export function macOf(body: Uint8Array, timestamp: string, sharedSecret: Uint8Array): string {
  return createHmac("sha256", sharedSecret).update(body).update(".").update(timestamp).digest("base64");
}

export function bytesOf(content: Content): Uint8Array {
  if (content instanceof Uint8Array) return content;
  return new TextEncoder().encode(typeof content === "string" ? content : JSON.stringify(content));
}
