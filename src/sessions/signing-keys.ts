import { readFileSync } from "node:fs";
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
} from "jose";
import { ConfigurationInvalid } from "../errors.ts";
import { createPrivateFile, keepPrivate, type Privacy } from "../private-file.ts";

/** The keys of a running sidecar: one that signs, and all that verify what is still valid. */
export interface SigningKeys {
  /** Whether every account of the machine could read the file, or still can. */
  readonly privacy: Privacy;
  readonly active: { readonly kid: string; readonly algorithm: string; readonly privateKey: CryptoKey };
  readonly publicKeys: JSONWebKeySet;
}

/** `next` is published but does not sign yet, `retired` does not sign any more but still verifies. */
export type KeyState = "next" | "active" | "retired";

const KeyFile = Type.Object({
  keys: Type.Array(
    Type.Object({
      kty: Type.Literal("EC"),
      crv: Type.Literal("P-256"),
      x: Type.String(),
      y: Type.String(),
      d: Type.String(),
      kid: Type.String({ minLength: 1 }),
      alg: Type.Literal("ES256"),
      use: Type.Literal("sig"),
      state: Type.Union([Type.Literal("next"), Type.Literal("active"), Type.Literal("retired")]),
    }),
    { minItems: 1 },
  ),
});

const algorithm = "ES256";

/**
 * Reads the private key set. If every account of the machine can read the file and it belongs to this one, those
 * permissions are taken back; what a group may do stays.
 *
 * @throws {ConfigurationInvalid} no such file, not a key set, or not exactly one active key
 */
export async function loadSigningKeys(path: string): Promise<SigningKeys> {
  return { ...(await readSigningKeys(path)), privacy: keepPrivate(path) };
}

/** `loadSigningKeys` that changes nothing: the file keeps the permissions it has. */
export async function readSigningKeys(path: string): Promise<Omit<SigningKeys, "privacy">> {
  const { keys } = parseKeyFile(path);
  const active = keys.filter(({ state }) => state === "active");
  const [signing] = active;
  if (signing === undefined || active.length > 1) {
    throw new ConfigurationInvalid([
      `SESSION_KEYS_FILE: ${path} has ${active.length} active keys; exactly one must sign.`,
    ]);
  }
  const privateKey = await importJWK({ ...signing, ext: false }, algorithm).catch(() => null);
  if (privateKey === null || privateKey instanceof Uint8Array) {
    throw new ConfigurationInvalid([
      `SESSION_KEYS_FILE: the active key in ${path} is not a usable ES256 key.`,
    ]);
  }
  return {
    active: { kid: signing.kid, algorithm, privateKey },
    publicKeys: {
      keys: keys.map(({ kty, crv, x, y, kid, alg, use }) => ({ kty, crv, x, y, kid, alg, use })),
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

function parseKeyFile(path: string) {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const reason = error instanceof SyntaxError ? "is not JSON" : "cannot be read";
    throw new ConfigurationInvalid([`SESSION_KEYS_FILE: ${path} ${reason}. ${howToCreate}`]);
  }
  if (!Value.Check(KeyFile, parsed)) {
    throw new ConfigurationInvalid([
      `SESSION_KEYS_FILE: ${path} is not a set of private ES256 keys. ${howToCreate}`,
    ]);
  }
  return parsed;
}

const howToCreate = "Make one with: bun run keys generate";
