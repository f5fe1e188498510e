import { createHash } from "node:crypto";
import { join } from "node:path";
import { bytesOfBody, type VectorBody, vectorBodies } from "./vector-bodies.ts";

/**
 * `bun scripts/conformance/make-vectors.ts` writes vectors.json, and writes the same file each time. Every MAC is
 * computed by the `openssl` command and not by the code of the sidecar.
 */

export interface SignatureVector {
  readonly id: string;
  /** What the vector tests. */
  readonly reason: string;
  /** Whether a verifier must accept it at the time `now`. */
  readonly valid: boolean;
  /** Base64, as OwnID's console shows it. */
  readonly secret: string;
  readonly body: VectorBody;
  /** The text of the header `ownid-timestamp`. */
  readonly timestamp: string;
  /** The text of the header `ownid-signature`. */
  readonly signature: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

/** The secret of the contract's two examples. */
const sampleSecret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const sampleTimestamp = "1700000000000";
const sampleBody: VectorBody = { text: '{"loginId":"sol@testmail.com"}' };

/** Sizes around the SHA-256 block of 64 bytes, beyond which HMAC hashes the key first. */
const secretSizes = [16, 20, 31, 32, 33, 63, 64, 65, 128];

const timestamps = [
  ...["1700000000000", "1699999999999", "1000000000000", "999999999999", "1735689600001", "2147483647000"],
  ...["2147483648000", "4102444800000", "9999999999999", "1", "0"],
];

if (import.meta.main) {
  const vectors = [...validVectors(), ...refusedVectors()];
  const about =
    'A valid signature is base64(HMAC-SHA256(base64-decoded secret, body + "." + timestamp)), over the bytes of the body ' +
    "as they were received; the timestamp lies at most 60,000 ms from now, in both directions. A verifier accepts the " +
    "vectors with valid true and refuses the others. The MACs were computed with OpenSSL.";
  await Bun.write(join(import.meta.dir, "vectors.json"), `${JSON.stringify({ about, vectors }, null, 2)}\n`);
  process.stdout.write(`${vectors.length} vectors\n`);
}

/** Signs every body with every secret. The timestamps take turns. */
function validVectors(): SignatureVector[] {
  const secrets = [
    { name: "sample", secret: sampleSecret, reason: "The secret is the contract's example." },
    ...secretSizes.map((size) => ({
      name: `${size}-bytes`,
      secret: secretOf(size).toString("base64"),
      reason: `The secret has ${size} bytes: ${size > 64 ? "HMAC hashes it first" : "it fits into a block of SHA-256"}.`,
    })),
  ];
  const pairs = secrets.flatMap((secret) =>
    Object.entries(vectorBodies).map(([name, { reason, ...body }]) => ({ secret, name, reason, body })),
  );
  return pairs.map(({ secret, name, reason, body }, index) => {
    const timestamp =
      secret.name === "sample" ? sampleTimestamp : (timestamps[index % timestamps.length] ?? sampleTimestamp);
    return {
      id: `${name}-${secret.name}`,
      reason: `${reason} ${secret.reason}`,
      valid: true,
      secret: secret.secret,
      body,
      timestamp,
      signature: macByOpenssl(secret.secret, body, timestamp),
      now: Number(timestamp),
    };
  });
}

/** Spoils the contract's first example in one way for each vector. */
function refusedVectors(): SignatureVector[] {
  const signature = macByOpenssl(sampleSecret, sampleBody, sampleTimestamp);
  const mac = Buffer.from(signature, "base64");
  const sample = { secret: sampleSecret, body: sampleBody, timestamp: sampleTimestamp, signature };
  const now = Number(sampleTimestamp);
  const signedAt = (timestamp: string) => ({
    timestamp,
    signature: macByOpenssl(sampleSecret, sampleBody, timestamp),
  });
  const spoilt: readonly (readonly [id: string, reason: string, change: Partial<SignatureVector>])[] = [
    [
      "oldest",
      "The timestamp is exactly 60,000 ms old: this one is still valid.",
      { valid: true, now: now + 60_000 },
    ],
    [
      "newest",
      "The timestamp is exactly 60,000 ms ahead: this one is still valid.",
      { valid: true, now: now - 60_000 },
    ],
    ["too-old", "The timestamp is 60,001 ms old.", { now: now + 60_001 }],
    ["too-new", "The timestamp is 60,001 ms ahead.", { now: now - 60_001 }],
    [
      "seconds",
      "The timestamp is in seconds, and rightly signed: that is January 1970.",
      signedAt("1700000000"),
    ],
    ["fraction", "The timestamp is no whole number, though rightly signed.", signedAt("1700000000000.5")],
    [
      "leading-zero",
      "The timestamp has a second spelling, though rightly signed.",
      signedAt("01700000000000"),
    ],
    ["iso-8601", "The timestamp is a date, though rightly signed.", signedAt("2023-11-14T22:13:20.000Z")],
    ["altered-timestamp", "The timestamp was changed after it was signed.", { timestamp: "1700000000001" }],
    [
      "altered-body",
      "One byte of the body was changed after it was signed.",
      { body: { text: '{"loginId":"sal@testmail.com"}' } },
    ],
    [
      "reformatted-body",
      "The JSON means the same, but its bytes differ.",
      { body: { text: '{ "loginId": "sol@testmail.com" }' } },
    ],
    ["other-secret", "Another secret was used.", { secret: secretOf(32).toString("base64") }],
    [
      "secret-not-decoded",
      "The key was the secret's base64 text instead of its bytes.",
      { signature: macOfKey(Buffer.from(sampleSecret), sampleBody, sampleTimestamp) },
    ],
    [
      "no-dot",
      "The dot between body and timestamp was left out.",
      { signature: macOfKey(Buffer.from(sampleSecret, "base64"), sampleBody, sampleTimestamp, "") },
    ],
    ["empty", "The signature is empty.", { signature: "" }],
    ["truncated", "Half of the signature is missing.", { signature: signature.slice(0, 22) }],
    ["hexadecimal", "The right MAC is spelt in hexadecimal.", { signature: mac.toString("hex") }],
    ["base64url", "The right MAC is spelt in base64url.", { signature: mac.toString("base64url") }],
    ["no-padding", "The right MAC is spelt without its padding.", { signature: signature.slice(0, -1) }],
    [
      "spare-bits",
      "The last letter decodes to the same bytes, but its spare bits are set.",
      { signature: `${signature.slice(0, 42)}t=` },
    ],
    ["trailing-text", "Text follows the signature in the header.", { signature: `${signature} x` }],
    ["twice", "The header came twice.", { signature: `${signature}, ${signature}` }],
    ["zeros", "The MAC is all zeros.", { signature: Buffer.alloc(32).toString("base64") }],
  ];
  return spoilt.map(([id, reason, change]) => ({ id, reason, valid: false, ...sample, now, ...change }));
}

/** Returns bytes that look random and are the same each time. */
function secretOf(size: number): Buffer {
  const blocks = Array.from({ length: 4 }, (_, index) =>
    createHash("sha256").update(`secret ${size} ${index}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, size);
}

function macByOpenssl(secret: string, body: VectorBody, timestamp: string): string {
  return macOfKey(Buffer.from(secret, "base64"), body, timestamp);
}

function macOfKey(key: Buffer, body: VectorBody, timestamp: string, separator = "."): string {
  const openssl = Bun.spawnSync(
    ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", `hexkey:${key.toString("hex")}`, "-binary"],
    { stdin: Buffer.concat([bytesOfBody(body), Buffer.from(separator + timestamp)]) },
  );
  if (!openssl.success) throw new Error(`openssl failed: ${openssl.stderr}`);
  return openssl.stdout.toString("base64");
}
