import { timingSafeEqual } from "node:crypto";

const toleranceMs = 60_000;

/**
 * Creates the cheapest verifier of OwnID's signature: it checks the time, and computes one HMAC with a hasher that
 * already has the key.
 */
export function createBareVerifier(sharedSecret: string): (body: Uint8Array, headers: Headers) => boolean {
  const keyedHasher = new Bun.CryptoHasher("sha256", Buffer.from(sharedSecret, "base64"));
  return (body, headers) => {
    const timestamp = headers.get("ownid-timestamp") ?? "";
    if (!(Math.abs(Date.now() - Number(timestamp)) <= toleranceMs)) return false;
    const claimed = Buffer.from(headers.get("ownid-signature") ?? "", "base64");
    const mac = keyedHasher.copy().update(body).update(".").update(timestamp).digest();
    return claimed.length === mac.length && timingSafeEqual(mac, claimed);
  };
}
