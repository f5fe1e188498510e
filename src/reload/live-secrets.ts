import { createLoginIdHash, type HashLoginId } from "../audit/login-id-hash.ts";
import type { Config } from "../config/load-config.ts";
import { readAgain } from "../config/secret-files.ts";
import type { Environment, SettingReader } from "../config/setting-reader.ts";
import { readSignature } from "../config/signature-config.ts";
import { readSiteSecrets } from "../config/site-config.ts";
import { createSignatureVerifier, type VerifySignature } from "../protocol/signature.ts";
import type { ReloadsByVariable } from "./watched-files.ts";

/** What the secrets in `OWNID_SHARED_SECRET` are used for. */
interface SharedSecretUses {
  readonly verifySignature: VerifySignature;
  /** With a key that is derived from the first shared secret. */
  readonly hashLoginId: HashLoginId;
}

/** The secrets that requests are checked with. Their files may change while the sidecar runs. */
export interface LiveSecrets extends SharedSecretUses {
  adminToken(): string | null;
  backendToken(): string | null;
  /** `SESSION_URL_SECRET`, if `SESSION_PROVIDER` is `http`. */
  siteSecrets(): readonly Uint8Array[];
  readonly reloads: ReloadsByVariable;
}

export interface LiveSecretsOptions {
  readonly environment: Environment;
  /** Returns milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly warn: (warning: string) => void;
}

export function createLiveSecrets(
  config: Config,
  { environment, now, warn }: LiveSecretsOptions,
): LiveSecrets {
  const { signature, isProduction } = config;
  const { toleranceSeconds } = signature;

  function usesOf(sharedSecrets: readonly Uint8Array[]): SharedSecretUses {
    // The old secret comes first during a rotation, so hashes change when it is removed.
    const [first = new Uint8Array()] = sharedSecrets;
    return {
      verifySignature: createSignatureVerifier({ sharedSecrets, toleranceSeconds, now }),
      hashLoginId: createLoginIdHash(first),
    };
  }

  const again = <Value>(read: (reader: SettingReader) => Value) => readAgain(environment, read, warn);

  let shared = usesOf(signature.sharedSecrets.reveal());
  let adminToken = config.adminToken.reveal();
  let backendToken = config.backendToken.reveal();
  let siteSecrets = config.sessions.site?.secrets.reveal() ?? [];
  return {
    verifySignature: (message) => shared.verifySignature(message),
    hashLoginId: (loginId) => shared.hashLoginId(loginId),
    adminToken: () => adminToken,
    backendToken: () => backendToken,
    siteSecrets: () => siteSecrets,
    reloads: {
      OWNID_SHARED_SECRET_FILE() {
        const { sharedSecrets } = again((reader) => readSignature(reader, isProduction, noSecret));
        shared = usesOf(sharedSecrets.reveal());
      },
      ADMIN_TOKEN_FILE() {
        adminToken = again(({ readOptional }) => readOptional("ADMIN_TOKEN"));
      },
      BACKEND_TOKEN_FILE() {
        backendToken = again(({ readOptional }) => readOptional("BACKEND_TOKEN"));
      },
      SESSION_URL_SECRET_FILE() {
        siteSecrets = again(readSiteSecrets);
      },
    },
  };
}

/** A secret that comes from a file is never generated. */
function noSecret(): never {
  throw new Error("a shared secret was asked for although its file is set");
}
