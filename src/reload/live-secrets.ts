import { createLoginIdHash, type HashLoginId } from "../audit/login-id-hash.ts";
import type { Config } from "../config/load-config.ts";
import { readAgain } from "../config/secret-files.ts";
import type { Environment, SettingReader } from "../config/setting-reader.ts";
import { readSignature } from "../config/signature-config.ts";
import { readSiteSecrets } from "../config/site-config.ts";
import { createSignatureVerifier, type VerifySignature } from "../protocol/signature.ts";

/** The secrets that requests are checked with. Their files may change while the sidecar runs. */
export interface LiveSecrets {
  readonly verifySignature: VerifySignature;
  /** With a key that is derived from the first shared secret. */
  readonly hashLoginId: HashLoginId;
  adminToken(): string | null;
  backendToken(): string | null;
  /** `SESSION_URL_SECRET`, if `SESSION_PROVIDER` is `http`. */
  siteSecrets(): readonly Uint8Array[];
  /**
   * For each variable that names a file: reads the file and uses its content from then on. Throws
   * `ConfigurationInvalid` and changes nothing if the content is wrong.
   */
  readonly reload: Readonly<Record<string, () => void>>;
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
  const verifierFor = ({ sharedSecrets }: Pick<Config["signature"], "sharedSecrets">) =>
    createSignatureVerifier({ sharedSecrets: sharedSecrets.reveal(), toleranceSeconds, now });

  const again = <Value>(read: (reader: SettingReader) => Value) => readAgain(environment, read, warn);

  /** The old secret comes first during a rotation, so hashes change when it is removed. */
  const hashFor = ({ sharedSecrets }: Pick<Config["signature"], "sharedSecrets">) => {
    const [first = new Uint8Array()] = sharedSecrets.reveal();
    return createLoginIdHash(first);
  };

  let verify = verifierFor(signature);
  let hashLoginId = hashFor(signature);
  let adminToken = config.adminToken.reveal();
  let backendToken = config.backendToken.reveal();
  let siteSecrets = config.sessions.site?.secrets.reveal() ?? [];
  return {
    verifySignature: (message) => verify(message),
    hashLoginId: (loginId) => hashLoginId(loginId),
    adminToken: () => adminToken,
    backendToken: () => backendToken,
    siteSecrets: () => siteSecrets,
    reload: {
      OWNID_SHARED_SECRET_FILE() {
        const changed = again((reader) => readSignature(reader, isProduction, noSecret));
        verify = verifierFor(changed);
        hashLoginId = hashFor(changed);
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
