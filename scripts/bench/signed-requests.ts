import { macOf } from "../client/signed-client.ts";

export interface RequestPlan {
  readonly port: number;
  readonly path: string;
  readonly sharedSecret: Uint8Array;
  readonly count: number;
  /** The JSON body of the n-th request, counted from 0. */
  readonly body: (number: number) => string;
  /** After how many requests bodies may begin to repeat; each pass is signed a millisecond later than the one before. */
  readonly distinct: number;
}

/**
 * Signs requests as OwnID does, each with a signature that no other has, and answers them as the bytes of HTTP/1.1.
 * They hold for as long as the server's tolerance from now on.
 */
export function signRequests(plan: RequestPlan): string[] {
  const encoder = new TextEncoder();
  const firstMs = Date.now();
  return Array.from({ length: plan.count }, (_, number) => {
    const body = plan.body(number);
    const bytes = encoder.encode(body);
    const timestamp = String(firstMs + Math.floor(number / plan.distinct));
    const head = [
      `POST ${plan.path} HTTP/1.1`,
      `host: 127.0.0.1:${plan.port}`,
      "content-type: application/json",
      `content-length: ${bytes.length}`,
      `ownid-signature: ${macOf(bytes, timestamp, plan.sharedSecret)}`,
      `ownid-timestamp: ${timestamp}`,
    ];
    return `${head.join("\r\n")}\r\n\r\n${body}`;
  });
}
