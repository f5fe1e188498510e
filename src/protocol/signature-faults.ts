import type { SignatureFault } from "../errors.ts";

/** Why a signature is not valid, for the operator. These functions are called only after it was refused. */

const base64OfMac = /^[A-Za-z0-9+/]{43}=$/;
/** Limits how much work a request with a wrong signature can cause. */
const reserializedBytesMax = 16_384;
const yearMs = 365 * 24 * 60 * 60 * 1000;

/** Returns what is wrong with a header that does not have the required form. `text` is its value. */
export function explainHeader(header: "signature" | "timestamp", text: string | null): SignatureFault {
  if (text === null || text === "") return `${header} header missing`;
  if (text.includes(",")) return `${header} header repeated`;
  if (header === "signature" && base64OfMac.test(text)) return "signature not canonical";
  return `${header} malformed`;
}

/** A timestamp in another unit is recognized by its size, even if it is also too old. */
export function explainTimestamp(signedAtMs: number, nowMs: number): SignatureFault {
  if (Math.abs(nowMs - signedAtMs * 1000) < yearMs) return "timestamp in seconds";
  if (Math.abs(nowMs - signedAtMs / 1000) < yearMs) return "timestamp in microseconds";
  return signedAtMs < nowMs ? "timestamp too old" : "timestamp in the future";
}

/**
 * Returns why a signature in the right form does not match. If it matches the shortest spelling of the same JSON,
 * which is what OwnID sends, then a proxy or a framework has parsed the body and written it again. A wrong secret and
 * an altered body cannot be told apart.
 */
export function explainMismatch(body: Uint8Array, holdsFor: (body: string) => boolean): SignatureFault {
  const shortest = body.length <= reserializedBytesMax ? shortestSpelling(body) : null;
  const wasReserialized = shortest !== null && holdsFor(shortest);
  return wasReserialized ? "body reserialized after signing" : "other secret or altered body";
}

function shortestSpelling(body: Uint8Array): string | null {
  try {
    return JSON.stringify(JSON.parse(new TextDecoder().decode(body)));
  } catch {
    return null;
  }
}
