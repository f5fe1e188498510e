import { createPrivateKey, type KeyObject } from "node:crypto";
import { Value } from "@sinclair/typebox/value";
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";
import { ConfigurationInvalid } from "../errors.ts";
import { jwkSchemas, type KeyAlgorithm, type PrivateJwk } from "./key-algorithms.ts";
import { instant } from "./key-states.ts";

const expected: Readonly<Record<KeyAlgorithm, string>> = {
  ES256: "an EC key on the curve P-256",
  EdDSA: "an Ed25519 key",
  RS256: "an RSA key of 2048 bits or more",
};

const encrypted =
  "The PEM file holds an encrypted key. Remove its passphrase with: openssl pkey -in <file> -out <new file>";

const pemKey = /-----BEGIN (?:EC |RSA )?PRIVATE KEY-----[\s\S]*?-----END (?:EC |RSA )?PRIVATE KEY-----/;

/** Returns a new key in the state `next`, which is published from now on. */
export async function createKey(algorithm: KeyAlgorithm, nowMs: number): Promise<PrivateJwk> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return completed(await exportJWK(privateKey), algorithm, nowMs);
}

/**
 * Returns the private key of a PEM text (PKCS#8, SEC1 or PKCS#1) in the state `next`.
 *
 * @throws {ConfigurationInvalid} the text has no such key, an encrypted one, or a key of another algorithm
 */
export async function importKey(pem: string, algorithm: KeyAlgorithm, nowMs: number): Promise<PrivateJwk> {
  const jwk = parsePem(pem).export({ format: "jwk" });
  try {
    return await completed(jwk, algorithm, nowMs);
  } catch {
    throw new ConfigurationInvalid([
      `SESSION_ALG is ${algorithm}, which needs ${expected[algorithm]}; the key in the PEM file is another one.`,
    ]);
  }
}

/** Returns the key as the first one of a new file, which signs immediately. */
export function asActive<Key extends PrivateJwk>(key: Key, nowMs: number): Key {
  return { ...key, state: "active", activeAt: instant(nowMs) };
}

async function completed(jwk: object, algorithm: KeyAlgorithm, nowMs: number): Promise<PrivateJwk> {
  const kid = await calculateJwkThumbprint(jwk);
  const key = { ...jwk, kid, alg: algorithm, use: "sig", state: "next", publishedAt: instant(nowMs) };
  if (Value.Check(jwkSchemas[algorithm], key)) return key;
  throw new Error("the key is not one of the algorithm");
}

function parsePem(pem: string): KeyObject {
  const [block] = pemKey.exec(pem) ?? [];
  if (block === undefined) {
    throw new ConfigurationInvalid([
      /ENCRYPTED/.test(pem)
        ? encrypted
        : 'The file holds no PEM private key ("-----BEGIN PRIVATE KEY-----").',
    ]);
  }
  try {
    return createPrivateKey(block);
  } catch {
    throw new ConfigurationInvalid([
      /Proc-Type: 4,ENCRYPTED/.test(block) ? encrypted : "The private key in the PEM file is damaged.",
    ]);
  }
}
