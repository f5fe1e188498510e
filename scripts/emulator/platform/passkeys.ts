import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from "@simplewebauthn/server";
import { reasonOf } from "../../reason.ts";
import { RequestFailed } from "../api/failure.ts";
import type { Device } from "./device-list.ts";

/** The relying party of WebAuthn: creates the options for the browser, and verifies its answers. */
export interface Passkeys {
  creationOptions(
    loginId: string,
    origin: string,
    existing: readonly Device[],
  ): Promise<PublicKeyCredentialCreationOptionsJSON>;
  requestOptions(origin: string, devices: readonly Device[]): Promise<PublicKeyCredentialRequestOptionsJSON>;
  /** Returns the new device. It is not stored yet. @throws {RequestFailed} `passkey_invalid` */
  verifyCreation(response: RegistrationResponseJSON, expected: Ceremony, name: string): Promise<Device>;
  /** @throws {RequestFailed} `passkey_invalid` */
  verifyAssertion(response: AuthenticationResponseJSON, expected: Ceremony, device: Device): Promise<void>;
  /** The signature counter of each passkey, by its id. */
  readonly counters: Map<string, number>;
}

/** The challenge of a ceremony, and the origin of its page. */
export interface Ceremony {
  readonly challenge: string;
  /** Such as `http://localhost:4000`. Its host name is what the passkey is bound to. */
  readonly origin: string;
}

const rpName = "OwnID emulator";
/** EdDSA, ES256 and RS256 (IANA COSE algorithms). */
const algorithms = [-8, -7, -257];

export function createPasskeys(): Passkeys {
  const counters = new Map<string, number>();

  return {
    counters,

    creationOptions: (loginId, origin, existing) =>
      generateRegistrationOptions({
        rpName,
        rpID: new URL(origin).hostname,
        userName: loginId,
        userDisplayName: loginId,
        userID: userHandle(loginId),
        supportedAlgorithmIDs: algorithms,
        excludeCredentials: existing.map(credentialOf),
        authenticatorSelection: { residentKey: "preferred", userVerification: "preferred" },
      }),

    requestOptions: (origin, devices) =>
      generateAuthenticationOptions({
        rpID: new URL(origin).hostname,
        allowCredentials: devices.map(credentialOf),
        userVerification: "preferred",
      }),

    async verifyCreation(response, ceremony, name) {
      const { registrationInfo } = await refusing(() =>
        verifyRegistrationResponse({
          response,
          ...expectationsOf(ceremony),
          supportedAlgorithmIDs: algorithms,
        }),
      );
      if (registrationInfo === undefined) throw invalid("The passkey could not be verified.");
      const { id, publicKey, counter, transports = [] } = registrationInfo.credential;
      counters.set(id, counter);
      const addedAt = new Date().toISOString();
      return { id, name, addedAt, publicKey: Buffer.from(publicKey).toString("base64url"), transports };
    },

    async verifyAssertion(response, ceremony, { id, publicKey }) {
      const { verified, authenticationInfo } = await refusing(() =>
        verifyAuthenticationResponse({
          response,
          ...expectationsOf(ceremony),
          credential: {
            id,
            publicKey: new Uint8Array(Buffer.from(publicKey, "base64url")),
            counter: counters.get(id) ?? 0,
          },
        }),
      );
      if (!verified) throw invalid("The passkey's signature does not hold.");
      counters.set(id, authenticationInfo.newCounter);
    },
  };
}

function expectationsOf({ challenge, origin }: Ceremony) {
  return {
    expectedChallenge: challenge,
    expectedOrigin: origin,
    expectedRPID: new URL(origin).hostname,
    requireUserVerification: false,
  };
}

/** Derives the user handle from the login id, so that the passkey does not contain the login id. */
function userHandle(loginId: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Bun.CryptoHasher("sha256").update(`ownid-emulator:${loginId}`).digest());
}

function credentialOf({ id, transports }: Device) {
  return { id, transports: [...transports] };
}

/** Turns an error of the library, which says why the answer is refused, into a failure. */
async function refusing<Result>(verify: () => Promise<Result>): Promise<Result> {
  try {
    return await verify();
  } catch (error) {
    throw invalid(`The passkey was refused: ${reasonOf(error)}`);
  }
}

function invalid(message: string): RequestFailed {
  return new RequestFailed("passkey_invalid", message);
}
