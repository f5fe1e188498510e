import { createHmac } from "node:crypto";

export interface WebhookMessage {
  /** Identifies the message, so that the receiver can recognize a copy. */
  readonly id: string;
  /** Seconds since the Unix epoch. */
  readonly timestamp: number;
  readonly body: string;
}

/**
 * Returns the headers that sign a message according to Standard Webhooks. Two secrets give two signatures, so that the
 * receiver may replace its secret at any time.
 */
export function webhookHeaders({ id, timestamp, body }: WebhookMessage, secrets: readonly Uint8Array[]) {
  const signed = `${id}.${timestamp}.${body}`;
  const signatures = secrets.map(
    (secret) => `v1,${createHmac("sha256", secret).update(signed).digest("base64")}`,
  );
  return {
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": signatures.join(" "),
  };
}
