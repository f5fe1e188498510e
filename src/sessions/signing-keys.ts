import { existsSync } from "node:fs";
import type { CryptoKey, JSONWebKeySet } from "jose";
import { codeOf } from "../error-code.ts";
import { ConfigurationInvalid } from "../errors.ts";
import { createPrivateFile, keepPrivate, type Privacy } from "../files/private-file.ts";
import { type KeyAlgorithm, type PrivateJwk, publicJwkOf } from "./key-algorithms.ts";
import { type KeyFileEntry, readKeyFile } from "./key-file.ts";
import { asActive, createKey } from "./key-making.ts";
import { statesAt } from "./key-states.ts";
import type { DigestKey } from "./login-id-digest.ts";

export interface SigningKey {
  readonly kid: string;
  readonly algorithm: KeyAlgorithm;
  readonly privateKey: CryptoKey;
  readonly digestKey: DigestKey;
}

/** What the file of the signing keys held when it was read. */
export interface SigningKeys {
  readonly algorithm: KeyAlgorithm;
  /** The key that signed at that instant. */
  readonly active: SigningKey;
  readonly entries: readonly KeyFileEntry[];
  readonly publicKeys: JSONWebKeySet;
}

export interface LoadedSigningKeys extends SigningKeys {
  /** Whether every account of the machine could read the file, or still can. */
  readonly privacy: Privacy;
}

const defaultAlgorithm = "ES256";

/**
 * Reads the private key set. If every account of the machine can read the file and it belongs to this account, those
 * permissions are removed. The permissions of a group stay.
 *
 * @throws {ConfigurationInvalid} the file does not exist, a key is wrong, or there is not exactly one active key
 */
export async function loadSigningKeys(
  path: string,
  algorithm: KeyAlgorithm = defaultAlgorithm,
): Promise<LoadedSigningKeys> {
  return { ...(await readSigningKeys(path, algorithm)), privacy: keepPrivate(path) };
}

/** Does the same as `loadSigningKeys` without changing the permissions of the file. */
export async function readSigningKeys(
  path: string,
  algorithm: KeyAlgorithm = defaultAlgorithm,
): Promise<SigningKeys> {
  const entries = await readKeyFile(path, algorithm);
  const active = entries.filter(({ jwk }) => jwk.state === "active");
  if (active.length !== 1) {
    throw new ConfigurationInvalid([
      `SESSION_KEYS_FILE: ${path} has ${active.length} active keys; exactly one must sign.`,
    ]);
  }
  return {
    algorithm,
    active: signingKeyAt(entries, Date.now()),
    entries,
    publicKeys: { keys: entries.map(({ jwk }) => publicJwkOf(jwk)) },
  };
}

/** Returns the key that signs at this instant according to the file. */
export function signingKeyAt(entries: readonly KeyFileEntry[], nowMs: number): SigningKey {
  const states = statesAt(
    entries.map(({ jwk }) => jwk),
    nowMs,
  );
  const signing = entries[states.findIndex(({ state }) => state === "active")];
  if (signing === undefined) throw new Error("a key file without an active key was accepted");
  const { jwk, privateKey, digestKey } = signing;
  return { kid: jwk.kid, algorithm: jwk.alg, privateKey, digestKey };
}

/**
 * Writes a new key set with an active key and a next one, readable by this account only. The active key is generated
 * unless one is given. Returns `false` and changes nothing if the file exists, so that two sidecars that start
 * together have the same keys.
 *
 * @throws {ConfigurationInvalid} the file cannot be created
 */
export async function createSigningKeys(
  path: string,
  algorithm: KeyAlgorithm = defaultAlgorithm,
  first: PrivateJwk | null = null,
): Promise<boolean> {
  if (existsSync(path)) return false;
  const nowMs = Date.now();
  const active = asActive(first ?? (await createKey(algorithm, nowMs)), nowMs);
  try {
    return createPrivateFile(path, keySetText([active, await createKey(algorithm, nowMs)]));
  } catch (error) {
    throw new ConfigurationInvalid([
      `SESSION_KEYS_FILE: this account cannot create ${path} (${codeOf(error) || "unknown failure"}). Name another file, or give this account access to the folder.`,
    ]);
  }
}

/** Returns the text of a file with these keys. */
export function keySetText(keys: readonly PrivateJwk[]): string {
  return `${JSON.stringify({ keys }, null, 2)}\n`;
}
