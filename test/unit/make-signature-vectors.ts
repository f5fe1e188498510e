import { createHash } from "node:crypto";
import { join } from "node:path";

/**
 * Writes signature-vectors.json. Every MAC comes from the `openssl` command, none from the sidecar's code:
 * `bun test/unit/make-signature-vectors.ts`. The same file comes out each time.
 */

export type BodySource =
  | { readonly text: string }
  | { readonly base64: string }
  | { readonly repeat: string; readonly times: number };

export interface SignatureVectors {
  /** Base64, by what is special about them. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly bodies: Readonly<Record<string, BodySource>>;
  /** `secret` and `body` are names of the tables above. */
  readonly vectors: readonly {
    readonly secret: string;
    readonly body: string;
    readonly timestamp: string;
    readonly signature: string;
  }[];
}

/** Around SHA-256's block of 64 bytes, beyond which HMAC hashes the key first. */
const secretSizes = [16, 20, 31, 32, 33, 63, 64, 65, 128];

const timestamps = [
  "1700000000000",
  "1699999999999",
  "1000000000000",
  "999999999999",
  "1735689600001",
  "2147483647000",
  "2147483648000",
  "4102444800000",
  "9999999999999",
  "1",
  "0",
];

const bodies: Record<string, BodySource> = {
  "protocol's first": { text: '{"loginId":"sol@testmail.com"}' },
  "protocol's second": {
    base64: "eyJsb2dpbklkIjoiem/Dq0BleMOkbXBsZS5jb20iLCJvd25JZERhdGEiOiJ7XCJhXCI6XCLDqS/igKhcIn0ifQ==",
  },
  empty: { text: "" },
  "one byte": { text: "x" },
  "one dot": { text: "." },
  "dots that look like a timestamp": { text: '{"loginId":"a.b.c"}.1700000000000.' },
  "a set request": { text: '{"loginId":"sol@testmail.com","ownIdData":"{\\"devices\\":[]}"}' },
  "a session request": { text: '{"loginId":"sol@testmail.com","sessionType":"mobile"}' },
  "odd whitespace": { text: ' {\n\t"loginId" :\r\n  "sol@testmail.com"  }\n ' },
  "members in another order": { text: '{"sessionType":"browser","loginId":"sol@testmail.com"}' },
  "escaped slashes": { text: '{"loginId":"sol\\/@testmail.com","x":"\\u00e9"}' },
  "umlauts and accents": { text: '{"loginId":"zoë@exämple.com"}' },
  "a letter and its accent apart": { text: '{"loginId":"zoe\u0308@example.com"}' },
  "other scripts": { text: '{"loginId":"Ωμέγα@παράδειγμα.ελ","x":"日本語 עברית हिन्दी"}' },
  "line separators": { text: '{"loginId":"a","ownIdData":"\u2028\u2029"}' },
  emoji: { text: '{"loginId":"a","ownIdData":"😀👩‍👩‍👧‍👦🏳️‍🌈"}' },
  "a byte order mark": { text: '\ufeff{"loginId":"a"}' },
  "invalid UTF-8": { base64: "eyJsb2dpbklkIjoi//6AwIDtoIAifQ==" },
  "a cut-off UTF-8 sequence": { base64: "eyJsb2dpbklkIjoi8J+Y" },
  "every byte": { base64: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString("base64") },
  "NUL bytes": { base64: "AAAAAAAAAAA=" },
  "exactly one block": { repeat: "a", times: 64 },
  "60 KB": { repeat: '{"ownIdData":"é😀\u2028"},', times: 2500 },
  "100,000 zero bytes": { repeat: "\0", times: 100_000 },
};

export function bodyOf(source: BodySource): Uint8Array {
  if ("text" in source) return new TextEncoder().encode(source.text);
  if ("base64" in source) return new Uint8Array(Buffer.from(source.base64, "base64"));
  return new TextEncoder().encode(source.repeat.repeat(source.times));
}

if (import.meta.main) {
  const secrets: Record<string, string> = {
    "protocol's": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    ...Object.fromEntries(secretSizes.map((size) => [`${size} bytes`, secretOf(size).toString("base64")])),
  };
  const pairs = Object.keys(secrets).flatMap((secret) =>
    Object.keys(bodies).map((body) => ({ secret, body })),
  );
  const vectors = pairs.map(({ secret, body }, index) => {
    const timestamp =
      secret === "protocol's" ? "1700000000000" : (timestamps[index % timestamps.length] ?? "");
    return {
      secret,
      body,
      timestamp,
      signature: macByOpenssl(secrets[secret] ?? "", bodies[body], timestamp),
    };
  });
  const fixture: SignatureVectors = { secrets, bodies, vectors };
  await Bun.write(join(import.meta.dir, "signature-vectors.json"), `${JSON.stringify(fixture, null, 2)}\n`);
  process.stdout.write(`${vectors.length} vectors\n`);
}

/** Bytes that look random and are the same each time. */
function secretOf(size: number): Buffer {
  const blocks = Array.from({ length: 4 }, (_, index) =>
    createHash("sha256").update(`secret ${size} ${index}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, size);
}

function macByOpenssl(secret: string, source: BodySource | undefined, timestamp: string): string {
  if (source === undefined) throw new Error("no such body");
  const key = Buffer.from(secret, "base64").toString("hex");
  const openssl = Bun.spawnSync(
    ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", `hexkey:${key}`, "-binary"],
    { stdin: Buffer.concat([bodyOf(source), Buffer.from(`.${timestamp}`)]) },
  );
  if (!openssl.success) throw new Error(`openssl failed: ${openssl.stderr}`);
  return openssl.stdout.toString("base64");
}
