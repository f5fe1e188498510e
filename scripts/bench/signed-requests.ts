import { macOf } from "../client/signed-client.ts";

export interface RequestPlan {
  readonly port: number;
  readonly path: string;
  readonly sharedSecret: Uint8Array;
  readonly count: number;
  /** Returns the JSON body of the n-th request, counted from 0. */
  readonly body: (number: number) => string;
  /**
   * The number of requests after which bodies may repeat. Each pass is signed with a timestamp one millisecond later
   * than the previous one.
   */
  readonly distinct: number;
}

/**
 * Signs requests as OwnID does, each with a unique signature, and returns them as bytes of HTTP/1.1. They stay valid
 * for the server's tolerance from now on.
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
