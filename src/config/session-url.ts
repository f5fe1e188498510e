import { isLoopback } from "./loopback.ts";
import { parseBase64Secrets } from "./secret-texts.ts";
import { Refusal } from "./setting-kinds.ts";

/** Standard Webhooks asks for 24 to 64 bytes. */
const secretBytesMin = 24;
const secretBytesMax = 64;

/** Reads the address of the site's endpoint. It is written to the log, so it may not contain a password. */
export function parseSessionUrl(text: string): URL | Refusal | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return null;
  if (url.username !== "" || url.password !== "")
    return new Refusal("must not contain a user or a password: the requests are signed instead.");
  if (url.hash !== "") return new Refusal('must not contain a fragment ("#…"), which is never sent.');
  return url;
}

/** Returns whether a request to this address leaves the machine unencrypted. */
export function isExposed({ protocol, hostname }: URL): boolean {
  return protocol === "http:" && !isLoopback(hostname);
}

/** Reads one secret of Standard Webhooks, or two while one replaces the other: base64, with or without `whsec_`. */
export function parseWebhookSecrets(text: string): readonly Uint8Array[] | null {
  return parseBase64Secrets(text, { prefix: "whsec_", bytesMin: secretBytesMin, bytesMax: secretBytesMax });
}
