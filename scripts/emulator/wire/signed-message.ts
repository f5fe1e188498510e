import { signMessage } from "../../../src/protocol/signature.ts";
import { curlCommand } from "../../client/curl-command.ts";
import type { Endpoint } from "../../client/endpoints.ts";
import type { WireCall } from "../api/wire-api.ts";

export interface MessageParts {
  /** Where the endpoints are, without a trailing slash. */
  readonly baseUrl: string;
  readonly endpoint: Endpoint;
  readonly body: string;
  /** Milliseconds since the Unix epoch, as the text of the header. */
  readonly timestamp: string;
  readonly sharedSecret: Uint8Array;
}

/** A request as OwnID's platform sends it, with what was signed and a `curl` command. */
export type SignedMessage = Pick<WireCall, "endpoint" | "request" | "signature" | "curl">;

export function createSignedMessage(parts: MessageParts): SignedMessage {
  const { baseUrl, endpoint, body, timestamp, sharedSecret } = parts;
  const value = signMessage(body, timestamp, sharedSecret);
  return messageOf(endpoint, {
    url: `${baseUrl}/${endpoint}`,
    headers: {
      "content-type": "application/json",
      "ownid-signature": value,
      "ownid-timestamp": timestamp,
    },
    body,
  });
}

/** Describes a request that is signed already, whether its signature is valid or not. */
export function messageOf(endpoint: Endpoint, request: WireCall["request"]): SignedMessage {
  const { "ownid-signature": value = "", "ownid-timestamp": timestamp = "" } = request.headers;
  return {
    endpoint,
    request,
    signature: { signed: `${request.body}.${timestamp}`, value, timestamp },
    curl: curlCommand(request),
  };
}
