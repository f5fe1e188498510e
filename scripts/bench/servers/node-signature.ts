import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

const toleranceMs = 60_000;

/** Creates a usual verifier of OwnID's signature on Node: it checks the time and then the MAC, in constant time. */
export function createNodeVerifier(sharedSecret: string) {
  const key = Buffer.from(sharedSecret, "base64");
  return (body: Uint8Array, headers: IncomingHttpHeaders): boolean => {
    const timestamp = String(headers["ownid-timestamp"]);
    if (!(Math.abs(Date.now() - Number(timestamp)) <= toleranceMs)) return false;
    const claimed = Buffer.from(String(headers["ownid-signature"]), "base64");
    const mac = createHmac("sha256", key).update(body).update(".").update(timestamp).digest();
    return claimed.length === mac.length && timingSafeEqual(mac, claimed);
  };
}
