import { Refusal } from "./setting-kinds.ts";

const secretsMax = 2;
/** Standard Webhooks asks for 24 to 64 bytes. */
const secretBytesMin = 24;
const secretBytesMax = 64;
const secretPrefix = "whsec_";

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
  return protocol === "http:" && !/^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/** Reads one secret of Standard Webhooks, or two while one replaces the other: base64, with or without `whsec_`. */
export function parseWebhookSecrets(text: string): readonly Uint8Array[] | null {
  const spellings = text.split(",").map((part) => part.trim().replace(secretPrefix, ""));
  if (spellings.length > secretsMax) return null;
  if (!spellings.every((spelling) => /^[A-Za-z0-9+/]+={0,2}$/.test(spelling))) return null;
  const secrets = spellings.map((spelling) => new Uint8Array(Buffer.from(spelling, "base64")));
  const fits = ({ length }: Uint8Array) => length >= secretBytesMin && length <= secretBytesMax;
  return secrets.every(fits) ? secrets : null;
}
