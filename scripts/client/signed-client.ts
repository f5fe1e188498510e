import { createHmac } from "node:crypto";

export type Endpoint = "setOwnIDDataByLoginId" | "getOwnIDDataByLoginId" | "getSessionByLoginId";

export interface SignedClientOptions {
  /** Where the endpoints are, without a trailing slash. */
  readonly baseUrl: string;
  /** Who answers: the network, unless a handler of this process is given. */
  readonly handle?: (request: Request) => Response | Promise<Response>;
  readonly sharedSecret: Uint8Array;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** A request as OwnID would send it. Tests change a member and send the rest as it is. */
export interface SignedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The whole body as text, `""` when there is none. */
  readonly body: string;
}

/** What a test says about a request's content: an object goes as JSON, bytes and text go as they are. */
export type Content = Readonly<Record<string, unknown>> | Uint8Array | string;

export type SignedClient = ReturnType<typeof createSignedClient>;

/** Signs as OwnID does, without the sidecar's own code: what it makes is what the sidecar is held against. */
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
    get: (loginId: string) => send(sign("getOwnIDDataByLoginId", { loginId })),
    set: (loginId: string, ownIdData: string) => send(sign("setOwnIDDataByLoginId", { loginId, ownIdData })),
    session: (loginId: string, sessionType?: string) =>
      send(sign("getSessionByLoginId", sessionType === undefined ? { loginId } : { loginId, sessionType })),
  };
}

/** base64(HMAC-SHA256(shared secret, body + "." + timestamp)). */
export function macOf(body: Uint8Array, timestamp: string, sharedSecret: Uint8Array): string {
  return createHmac("sha256", sharedSecret).update(body).update(".").update(timestamp).digest("base64");
}

export function bytesOf(content: Content): Uint8Array {
  if (content instanceof Uint8Array) return content;
  return new TextEncoder().encode(typeof content === "string" ? content : JSON.stringify(content));
}
