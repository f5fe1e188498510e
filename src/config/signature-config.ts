import { Secret } from "./secret.ts";
import type { SettingReader } from "./setting-reader.ts";

/** The secret of OwnID's published test vectors, which everyone knows. */
export const publishedSecret = Buffer.from("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "base64");
const sharedSecretBytesAdvised = 32;

export function readSignature(
  reader: SettingReader,
  isProduction: boolean,
  createSharedSecret: () => Uint8Array,
) {
  const toleranceSeconds = reader.read("SIGNATURE_MAX_AGE_SECONDS");
  return {
    sharedSecrets: new Secret(readSharedSecrets(reader, isProduction, createSharedSecret)),
    /** Whether development generated the secret. */
    isGenerated: !isProduction && !reader.isSet("OWNID_SHARED_SECRET"),
    toleranceSeconds,
    /**
     * How long the replay guard remembers a signature, in milliseconds. It is accepted from one tolerance before its
     * timestamp until one tolerance after it. Some slack is added.
     */
    rememberMs: (2 * toleranceSeconds + 5) * 1000,
  };
}

function readSharedSecrets(
  reader: SettingReader,
  isProduction: boolean,
  createSharedSecret: () => Uint8Array,
): readonly Uint8Array[] {
  const { problems, warnings } = reader;
  const secrets = reader.readOptional("OWNID_SHARED_SECRET");
  if (secrets === null) {
    if (reader.isSet("OWNID_SHARED_SECRET")) return [];
    if (!isProduction) return [createSharedSecret()];
    problems.push("OWNID_SHARED_SECRET must be set in production: copy it from OwnID's console.");
    return [];
  }
  if (isProduction && secrets.some((secret) => publishedSecret.equals(secret))) {
    problems.push(
      "OWNID_SHARED_SECRET is a published sample that anyone can sign with: use your application's own.",
    );
  }
  if (secrets.some((secret) => secret.length < sharedSecretBytesAdvised)) {
    warnings.push("OWNID_SHARED_SECRET is shorter than 32 bytes; ask OwnID for a longer one");
  }
  return secrets;
}
