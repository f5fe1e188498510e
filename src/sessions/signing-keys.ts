import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  type JWK,
} from "jose";
import { ConfigurationInvalid } from "../errors.ts";
import { createPrivateFile, keepPrivate, type Privacy } from "../private-file.ts";
import { algorithm, type KeyState, readKeyFile } from "./key-file.ts";

/** The keys of a running sidecar: one that signs, and all that verify what is still valid. */
export interface SigningKeys {
  /** Whether every account of the machine could read the file, or still can. */
  readonly privacy: Privacy;
  readonly active: { readonly kid: string; readonly algorithm: string; readonly privateKey: CryptoKey };
  readonly publicKeys: JSONWebKeySet;
}

/**
 * Reads the private key set. If every account of the machine can read the file and it belongs to this one, those
 * permissions are taken back; what a group may do stays.
 *
 * @throws {ConfigurationInvalid} no such file, a key that is wrong, or not exactly one active key
 */
export async function loadSigningKeys(path: string): Promise<SigningKeys> {
  return { ...(await readSigningKeys(path)), privacy: keepPrivate(path) };
}

/** `loadSigningKeys` that changes nothing: the file keeps the permissions it has. */
export async function readSigningKeys(path: string): Promise<Omit<SigningKeys, "privacy">> {
  const entries = await readKeyFile(path);
  const active = entries.filter(({ jwk }) => jwk.state === "active");
  const [signing] = active;
  if (signing === undefined || active.length > 1) {
    throw new ConfigurationInvalid([
      `SESSION_KEYS_FILE: ${path} has ${active.length} active keys; exactly one must sign.`,
    ]);
  }
  return {
    active: { kid: signing.jwk.kid, algorithm, privateKey: signing.privateKey },
    publicKeys: {
      keys: entries.map(({ jwk: { kty, crv, x, y, kid, alg, use } }) => ({ kty, crv, x, y, kid, alg, use })),
    },
  };
}

/**
 * Writes a new key set with one active key, readable by this account alone. Answers `false` and leaves the
 * file as it is when there is one already: two sidecars that start together end with the same key.
 *
 * @throws {ConfigurationInvalid} the file cannot be created
 */
export async function createSigningKeys(path: string): Promise<boolean> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk: JWK = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  const state: KeyState = "active";
  const keySet = { keys: [{ ...jwk, kid, alg: algorithm, use: "sig", state }] };
  try {
    return createPrivateFile(path, `${JSON.stringify(keySet, null, 2)}\n`);
  } catch {
    throw new ConfigurationInvalid([`SESSION_KEYS_FILE: this account cannot create ${path}.`]);
  }
}
