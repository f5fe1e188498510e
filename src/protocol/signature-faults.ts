import type { SignatureFault } from "../errors.ts";

/** Tells the operator why a signature does not hold. Only called once it is known that it does not. */

const base64OfMac = /^[A-Za-z0-9+/]{43}=$/;
/** Bounds the work that an unsigned request can cause. */
const reserializedBytesMax = 16_384;

/** `text` is what the header said, and is not in the form that it must have. */
export function explainHeader(header: "signature" | "timestamp", text: string | null): SignatureFault {
  if (text === null || text === "") return `${header} header missing`;
  if (text.includes(",")) return `${header} header repeated`;
  if (header === "signature" && base64OfMac.test(text)) return "signature not canonical";
  return `${header} malformed`;
}

export function explainTimestamp(signedAtMs: number, nowMs: number, toleranceMs: number): SignatureFault {
  if (Math.abs(nowMs - signedAtMs * 1000) <= toleranceMs) return "timestamp in seconds";
  return signedAtMs < nowMs ? "timestamp too old" : "timestamp in the future";
}

/**
 * A proxy or a framework may have parsed the body and written it anew. That shows where the signature holds for the
 * same JSON in its shortest spelling, which is what OwnID sends; otherwise another secret and another body look alike.
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
