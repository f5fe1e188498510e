import { readFileSync } from "node:fs";
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { CompactSign, type CryptoKey, calculateJwkThumbprint, compactVerify, importJWK } from "jose";
import { codeOf } from "../error-code.ts";
import { ConfigurationInvalid } from "../errors.ts";
import {
  jwkSchemas,
  type KeyAlgorithm,
  keyAlgorithms,
  memberRules,
  type PrivateJwk,
  publicJwkOf,
} from "./key-algorithms.ts";
import { type DigestKey, deriveDigestKey } from "./login-id-digest.ts";

const KeySet = Type.Object({ keys: Type.Array(Type.Unknown(), { minItems: 1 }) });
const NamedAlgorithm = Type.Object({ alg: Type.Union(keyAlgorithms.map((name) => Type.Literal(name))) });

const howToCorrect = "Correct it, or restore it from a backup.";

/** A key of the file that was checked: it can sign, and its `kid` is its thumbprint. */
export interface KeyFileEntry {
  readonly jwk: PrivateJwk;
  readonly privateKey: CryptoKey;
  readonly digestKey: DigestKey;
}

/**
 * Reads a private key set and checks every key in it, whatever its state. Verifiers refuse a whole set because of one
 * malformed key, and a key that will sign later must be able to.
 *
 * @throws {ConfigurationInvalid} the file does not exist, is not a key set, has keys of another algorithm, or has
 * wrong keys, which are named by their position
 */
export async function readKeyFile(path: string, algorithm: KeyAlgorithm): Promise<readonly KeyFileEntry[]> {
  const keys = parseKeySet(path);
  refuseOtherAlgorithm(path, keys, algorithm);
  const checked = await Promise.all(keys.map((key) => checkKey(key, algorithm)));
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
    const isMissing = codeOf(error) === "ENOENT";
    throw new ConfigurationInvalid([
      isMissing
        ? `SESSION_KEYS_FILE: ${path} does not exist. Make it with: bun run keys generate`
        : `SESSION_KEYS_FILE: this account cannot read ${path}.`,
    ]);
  }
}

/** The file is correct, but not for the configured algorithm. */
export class KeyAlgorithmDiffers extends ConfigurationInvalid {
  readonly found: KeyAlgorithm;

  constructor(path: string, found: KeyAlgorithm, configured: KeyAlgorithm) {
    super([
      `SESSION_KEYS_FILE: ${path} holds a key for ${found}, but SESSION_ALG is ${configured}. Set SESSION_ALG=${found}, or name a file for ${configured} and make it with: bun run keys generate`,
    ]);
    this.found = found;
  }
}

/** A file of another algorithm is not damaged. Either the file or the setting is the wrong one. */
function refuseOtherAlgorithm(path: string, keys: readonly unknown[], algorithm: KeyAlgorithm): void {
  const others = keys.flatMap((key) =>
    Value.Check(NamedAlgorithm, key) && key.alg !== algorithm ? [key.alg] : [],
  );
  const [other] = others;
  if (other !== undefined) throw new KeyAlgorithmDiffers(path, other, algorithm);
}

/** Returns what is wrong with the key, as the end of a sentence, without the values of its members. */
async function checkKey(key: unknown, algorithm: KeyAlgorithm): Promise<KeyFileEntry | string> {
  if (!Value.Check(jwkSchemas[algorithm], key)) return describeMember(key, algorithm);
  const wrongTime = wrongTimeOf(key);
  if (wrongTime !== null)
    return `is wrong: "${wrongTime}" must be ${memberRules[algorithm][wrongTime]}. ${howToCorrect}`;
  const privateKey = await importMatching(key, algorithm).catch(() => null);
  if (privateKey === null) return `is not a key: its members do not belong together. ${howToCorrect}`;
  if ((await calculateJwkThumbprint(key)) !== key.kid)
    return `is wrong: "kid" must be ${memberRules[algorithm].kid}.`;
  return { jwk: key, privateKey, digestKey: deriveDigestKey(key.d) };
}

/**
 * Imports the private key after a trial signature. Not every library checks that the public members belong to the private
 * ones, so the public key must verify what the private key has signed.
 */
async function importMatching(jwk: PrivateJwk, algorithm: KeyAlgorithm): Promise<CryptoKey | null> {
  const privateKey = await importJWK({ ...jwk, ext: false }, algorithm);
  if (privateKey instanceof Uint8Array) return null;
  const signed = await new CompactSign(new Uint8Array())
    .setProtectedHeader({ alg: algorithm })
    .sign(privateKey);
  await compactVerify(signed, await importJWK(publicJwkOf(jwk), algorithm));
  return privateKey;
}

/** A day such as the 31st of February has the form of a date. */
function wrongTimeOf(jwk: PrivateJwk): string | null {
  const names = ["publishedAt", "activeAt", "retiredAt"] as const;
  return names.find((name) => Number.isNaN(Date.parse(jwk[name] ?? "1970-01-01"))) ?? null;
}

function describeMember(key: unknown, algorithm: KeyAlgorithm): string {
  const path = Value.Errors(jwkSchemas[algorithm], key).First()?.path ?? "";
  const [, member = ""] = path.split("/");
  const rule = memberRules[algorithm][member];
  return rule === undefined
    ? `is not a private key. ${howToCorrect}`
    : `is wrong: "${member}" must be ${rule}. ${howToCorrect}`;
}
