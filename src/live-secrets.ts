import type { Config } from "./config/load-config.ts";
import { readAgain } from "./config/secret-files.ts";
import type { Environment } from "./config/setting-reader.ts";
import { readSignature } from "./config/signature-config.ts";
import { createSignatureVerifier, type VerifySignature } from "./protocol/signature.ts";

/** The secrets that requests are checked with. Their files may change while the sidecar runs. */
export interface LiveSecrets {
  readonly verifySignature: VerifySignature;
  adminToken(): string | null;
  backendToken(): string | null;
  /** By the variable that names the file: reads it and uses it from then on. @throws {ConfigurationInvalid} it is wrong */
  readonly takeUp: Readonly<Record<string, () => void>>;
}

export function createLiveSecrets(config: Config, environment: Environment, now: () => number): LiveSecrets {
  const { signature, isProduction } = config;
  const { toleranceSeconds } = signature;
  const verifierFor = ({ sharedSecrets }: Pick<Config["signature"], "sharedSecrets">) =>
    createSignatureVerifier({ sharedSecrets: sharedSecrets.reveal(), toleranceSeconds, now });

  let verify = verifierFor(signature);
  let adminToken = config.adminToken.reveal();
  let backendToken = config.backendToken.reveal();
  return {
    verifySignature: (message) => verify(message),
    adminToken: () => adminToken,
    backendToken: () => backendToken,
    takeUp: {
      OWNID_SHARED_SECRET_FILE() {
        verify = verifierFor(
          readAgain(environment, (reader) => readSignature(reader, isProduction, noSecret)),
        );
      },
      ADMIN_TOKEN_FILE() {
        adminToken = readAgain(environment, ({ readOptional }) => readOptional("ADMIN_TOKEN"));
      },
      BACKEND_TOKEN_FILE() {
        backendToken = readAgain(environment, ({ readOptional }) => readOptional("BACKEND_TOKEN"));
      },
    },
  };
}

/** A secret that comes from a file is not generated. */
function noSecret(): never {
  throw new Error("a shared secret was asked for although its file is set");
}
