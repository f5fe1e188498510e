import type { WireCall } from "../api/wire-api.ts";

/** Returns the calls as an HTTP archive (HAR 1.2), which the network view of any browser can open. */
export function harOf(calls: readonly WireCall[], version: string): object {
  return {
    log: {
      version: "1.2",
      creator: { name: "ownid-sidecar emulator", version },
      entries: calls.map(entryOf),
    },
  };
}

/** In this format, a size of -1 means "unknown". */
function entryOf(call: WireCall): object {
  const { sentAt, durationMs, request, answer, failure, reason, fault } = call;
  const time = durationMs ?? 0;
  return {
    startedDateTime: sentAt,
    time,
    request: {
      method: "POST",
      url: request.url,
      httpVersion: "HTTP/1.1",
      headers: listOf(request.headers),
      queryString: [],
      cookies: [],
      headersSize: -1,
      bodySize: Buffer.byteLength(request.body),
      postData: { mimeType: "application/json", text: request.body },
    },
    response: responseOf(answer),
    cache: {},
    timings: { send: 0, wait: time, receive: 0 },
    comment: [reason, fault, failure].filter((part) => part !== null).join("; "),
  };
}

/** A call without an answer has status 0, as in the archives of browsers. */
function responseOf(answer: WireCall["answer"]): object {
  const { status = 0, statusText = "", headers = {}, body = "" } = answer ?? {};
  return {
    status,
    statusText,
    httpVersion: "HTTP/1.1",
    headers: listOf(headers),
    cookies: [],
    content: { size: Buffer.byteLength(body), mimeType: headers["content-type"] ?? "", text: body },
    redirectURL: headers.location ?? "",
    headersSize: -1,
    bodySize: Buffer.byteLength(body),
  };
}

function listOf(headers: Readonly<Record<string, string>>) {
  return Object.entries(headers).map(([name, value]) => ({ name, value }));
}
