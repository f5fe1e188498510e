import { createHmac, timingSafeEqual } from "node:crypto";
import { bench, do_not_optimize, group, summary } from "mitata";
import { createSignatureVerifier, signMessage } from "../../../src/protocol/signature.ts";

interface Signed {
  readonly body: Uint8Array;
  readonly timestamp: string;
  readonly signature: string;
}

type Verify = (message: Signed) => boolean | Promise<boolean>;

const sharedSecret = crypto.getRandomValues(new Uint8Array(32));
const bodies = {
  "a lookup": { loginId: "user123456@example.com" },
  "a set of 1 KB": { loginId: "user123456@example.com", ownIdData: "d".repeat(1000) },
};

/** Verifying a request's signature: as the sidecar does it, and the two usual ways. */
export async function benchSignatures(): Promise<void> {
  const ways: Record<string, Verify> = {
    createSignatureVerifier: verifyAsTheSidecar(),
    "node:crypto": verifyWithNode,
    WebCrypto: await verifierOfWebCrypto(),
  };
  for (const [what, content] of Object.entries(bodies)) {
    const message = sign(JSON.stringify(content));
    for (const [name, verify] of Object.entries(ways)) await mustTell(name, verify, message);
    group(`verify the signature of ${what}`, () =>
      summary(() => {
        for (const [name, verify] of Object.entries(ways)) {
          bench(`signature of ${what}: ${name}`, () => do_not_optimize(verify(message)));
        }
      }),
    );
  }
}

function sign(text: string): Signed {
  const timestamp = String(Date.now());
  const body = new TextEncoder().encode(text);
  return { body, timestamp, signature: signMessage(body, timestamp, sharedSecret) };
}

/** A way that takes anything, or nothing, would be fast. */
async function mustTell(name: string, verify: Verify, message: Signed): Promise<void> {
  const body = message.body.slice();
  body[0] = 0;
  const isRight = (await verify(message)) && !(await verify({ ...message, body }));
  if (!isRight) throw new Error(`${name} does not tell a right signature from a wrong one`);
}

function verifyAsTheSidecar(): Verify {
  const now = Date.now();
  const verify = createSignatureVerifier({
    sharedSecrets: [sharedSecret],
    toleranceSeconds: 60,
    now: () => now,
  });
  return (message) => {
    try {
      return verify(message).mac.length === 32;
    } catch {
      return false;
    }
  };
}

const verifyWithNode: Verify = ({ body, timestamp, signature }) =>
  timingSafeEqual(
    createHmac("sha256", sharedSecret).update(body).update(".").update(timestamp).digest(),
    Buffer.from(signature, "base64"),
  );

async function verifierOfWebCrypto(): Promise<Verify> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", sharedSecret, algorithm, false, ["verify"]);
  return ({ body, timestamp, signature }) => {
    const signed = Buffer.concat([body, Buffer.from(`.${timestamp}`)]);
    return crypto.subtle.verify("HMAC", key, Buffer.from(signature, "base64"), signed);
  };
}
