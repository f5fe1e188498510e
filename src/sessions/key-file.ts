import { readFileSync } from "node:fs";
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { type CryptoKey, calculateJwkThumbprint, importJWK } from "jose";
import { ConfigurationInvalid } from "../errors.ts";

export const algorithm = "ES256";

/** `next` is published but does not sign yet, `retired` does not sign any more but still verifies. */
export type KeyState = "next" | "active" | "retired";

/** 32 bytes in base64url: 42 characters of 6 bits, and one whose last 2 bits are zero. */
const Bytes32 = Type.String({ pattern: "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$" });

const PrivateJwk = Type.Object({
  kty: Type.Literal("EC"),
  crv: Type.Literal("P-256"),
  x: Bytes32,
  y: Bytes32,
  d: Bytes32,
  kid: Bytes32,
  alg: Type.Literal(algorithm),
  use: Type.Literal("sig"),
  state: Type.Union([Type.Literal("next"), Type.Literal("active"), Type.Literal("retired")]),
});
const KeySet = Type.Object({ keys: Type.Array(Type.Unknown(), { minItems: 1 }) });

/** One key of the file, checked: it can sign, and it is named by its own thumbprint. */
export interface KeyFileEntry {
  readonly jwk: Static<typeof PrivateJwk>;
  readonly privateKey: CryptoKey;
}

/** Completes the sentence `"kty" must be …`. */
const memberRules: Readonly<Record<string, string>> = {
  kty: '"EC"',
  crv: '"P-256"',
  x: "32 bytes in base64url",
  y: "32 bytes in base64url",
  d: "32 bytes in base64url",
  kid: "its RFC 7638 thumbprint",
  alg: `"${algorithm}"`,
  use: '"sig"',
  state: '"next", "active" or "retired"',
};

/**
 * Reads a private key set and checks each key in it, whatever its state: verifiers refuse a whole set for one key that
 * is malformed, and a key that is to sign next must be able to.
 *
 * @throws {ConfigurationInvalid} no such file, not a key set, or naming every wrong key by its position
 */
export async function readKeyFile(path: string): Promise<readonly KeyFileEntry[]> {
  const keys = parseKeySet(path);
  const checked = await Promise.all(keys.map(checkKey));
  const entries = checked.filter((entry) => typeof entry !== "string");
  const problems = checked.flatMap((entry, index) =>
    typeof entry === "string" ? [`key ${index + 1} of ${keys.length} in ${path} ${entry}`] : [],
  );
  for (const [index, { jwk }] of entries.entries()) {
    const first = entries.findIndex((other) => other.jwk.kid === jwk.kid);
    if (first < index) problems.push(`${path} holds the key with the kid ${jwk.kid} twice. Remove one.`);
  }
  if (problems.length === 0) return entries;
  throw new ConfigurationInvalid(problems.map((problem) => `SESSION_KEYS_FILE: ${problem}`));
}

function parseKeySet(path: string): readonly unknown[] {
  const parsed = parseJson(path);
  if (Value.Check(KeySet, parsed)) return parsed.keys;
  throw new ConfigurationInvalid([
    `SESSION_KEYS_FILE: ${path} is not a JSON Web Key Set with at least one key. ${howToCorrect}`,
  ]);
}

function parseJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new ConfigurationInvalid([`SESSION_KEYS_FILE: ${path} is not JSON. ${howToCorrect}`]);
    }
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw new ConfigurationInvalid([
      isMissing
        ? `SESSION_KEYS_FILE: ${path} does not exist. Make it with: bun run keys generate`
        : `SESSION_KEYS_FILE: this account cannot read ${path}.`,
    ]);
  }
}

const howToCorrect = "Correct it, or restore it from a backup.";

/** Returns what is wrong with the key, as the end of a sentence, without any of its members' values. */
async function checkKey(key: unknown): Promise<KeyFileEntry | string> {
  if (!Value.Check(PrivateJwk, key)) return describeMember(key);
  const privateKey = await importJWK({ ...key, ext: false }, algorithm).catch(() => null);
  if (privateKey === null || privateKey instanceof Uint8Array) {
    return `is not a key: its "x", "y" and "d" do not belong together. ${howToCorrect}`;
  }
  if ((await calculateJwkThumbprint(key)) !== key.kid) return `is wrong: "kid" must be ${memberRules.kid}.`;
  return { jwk: key, privateKey };
}

function describeMember(key: unknown): string {
  const path = Value.Errors(PrivateJwk, key).First()?.path ?? "";
  const [, member = ""] = path.split("/");
  const rule = memberRules[member];
  return rule === undefined
    ? `is not a private key. ${howToCorrect}`
    : `is wrong: "${member}" must be ${rule}. ${howToCorrect}`;
}
