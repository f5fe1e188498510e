import { createECDH, createHash, createHmac, createPrivateKey, type KeyObject, sign } from "node:crypto";
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from "@simplewebauthn/server";
import { isoCBOR } from "@simplewebauthn/server/helpers";

/**
 * A passkey on P-256 without a browser. It answers WebAuthn options as a phone would, with the person present and
 * verified. Its key is derived from `keySeed`, so that the same seed gives the same passkey.
 */
export interface VirtualPasskey {
  /** The id of the credential, in base64url. */
  readonly id: string;
  create(options: PublicKeyCredentialCreationOptionsJSON, origin: string): RegistrationResponseJSON;
  get(options: PublicKeyCredentialRequestOptionsJSON, origin: string): AuthenticationResponseJSON;
}

/** Flags of the authenticator data (WebAuthn, section 6.1). */
const userPresent = 0x01;
const userVerified = 0x04;
const attestedCredential = 0x40;

const credentialIdBytes = 16;
const aaguid = Buffer.alloc(16);

export function createVirtualPasskey(keySeed: Uint8Array): VirtualPasskey {
  const { privateKey, coseKey } = deriveKey(keySeed);
  const credentialId = derive(keySeed, "credential id").subarray(0, credentialIdBytes);
  const id = credentialId.toString("base64url");

  return {
    id,
    create({ challenge, rp: { id: rpId = "" } }, origin) {
      const credential = Buffer.concat([aaguid, uint16(credentialIdBytes), credentialId, coseKey]);
      const data = authenticatorData(rpId, userPresent | userVerified | attestedCredential, credential);
      const attestation = isoCBOR.encode(
        new Map<string, string | Uint8Array | Map<string, string>>([
          ["fmt", "none"],
          ["attStmt", new Map()],
          ["authData", new Uint8Array(data)],
        ]),
      );
      return {
        ...answerOf(id),
        response: {
          clientDataJSON: clientData("webauthn.create", challenge, origin).toString("base64url"),
          attestationObject: Buffer.from(attestation).toString("base64url"),
          transports: ["internal"],
        },
      };
    },
    get({ challenge, rpId = "" }, origin) {
      const data = authenticatorData(rpId, userPresent | userVerified);
      const client = clientData("webauthn.get", challenge, origin);
      const signature = sign("sha256", Buffer.concat([data, sha256(client)]), privateKey);
      return {
        ...answerOf(id),
        response: {
          clientDataJSON: client.toString("base64url"),
          authenticatorData: data.toString("base64url"),
          signature: signature.toString("base64url"),
        },
      };
    },
  };
}

function answerOf(id: string) {
  return { id, rawId: id, type: "public-key", clientExtensionResults: {} } as const;
}

function clientData(type: string, challenge: string, origin: string): Buffer {
  return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
}

/** The counter stays 0, as it does for passkeys that are synchronized between devices. */
function authenticatorData(rpId: string, flags: number, credential = Buffer.alloc(0)): Buffer {
  return Buffer.concat([sha256(Buffer.from(rpId)), Buffer.from([flags]), Buffer.alloc(4), credential]);
}

/** Derives the key pair from the seed. The public key is in COSE form (RFC 9053, section 7.1). */
function deriveKey(keySeed: Uint8Array): { readonly privateKey: KeyObject; readonly coseKey: Uint8Array } {
  const pair = createECDH("prime256v1");
  const d = derive(keySeed, "private key");
  pair.setPrivateKey(d);
  const point = pair.getPublicKey();
  const [x, y] = [point.subarray(1, 33), point.subarray(33, 65)];
  const jwk = {
    kty: "EC",
    crv: "P-256",
    d: d.toString("base64url"),
    x: x.toString("base64url"),
    y: y.toString("base64url"),
  };
  const coseKey = isoCBOR.encode(
    new Map<number, number | Uint8Array>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, new Uint8Array(x)],
      [-3, new Uint8Array(y)],
    ]),
  );
  return { privateKey: createPrivateKey({ key: jwk, format: "jwk" }), coseKey };
}

function derive(keySeed: Uint8Array, purpose: string): Buffer {
  return createHmac("sha256", keySeed).update(purpose).digest();
}

function sha256(data: Uint8Array): Buffer {
  return createHash("sha256").update(data).digest();
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
