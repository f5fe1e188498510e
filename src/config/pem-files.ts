import { createPrivateKey, X509Certificate } from "node:crypto";
import type { SettingReader } from "./setting-reader.ts";
import type { SettingName } from "./settings.ts";

/** The certificate that identifies the sidecar to a server (mutual TLS), and its key, as PEM text. */
export interface ClientCertificate {
  /** The certificate, followed by intermediate ones if the file has any. */
  readonly certificate: string;
  readonly key: string;
}

/** Returns the PEM text of one or more certificate authorities, or `null` if the variable is not set or wrong. */
export function readCertificateAuthority(reader: SettingReader, variable: SettingName): string | null {
  return readCertificates(reader, variable)?.text ?? null;
}

/**
 * Reads the client certificate and its private key. Both must be set, the key must not be encrypted, and it must
 * belong to the certificate. A TLS library reports these mistakes only as a failed connection.
 */
export function readClientCertificate(
  reader: SettingReader,
  variables: { readonly certificate: SettingName; readonly key: SettingName },
): ClientCertificate | null {
  const { problems, isSet } = reader;
  const certificates = readCertificates(reader, variables.certificate);
  const key = readPrivateKey(reader, variables.key);
  if (isSet(variables.certificate) !== isSet(variables.key)) {
    const [present, missing] = isSet(variables.key)
      ? [variables.key, variables.certificate]
      : [variables.certificate, variables.key];
    problems.push(`${missing} must be set, since ${present} is: a client certificate needs both.`);
  }
  if (certificates === null || key === null) return null;
  if (!certificates.first.checkPrivateKey(key.object)) {
    problems.push(`${variables.key} names a key that does not belong to ${variables.certificate}.`);
    return null;
  }
  return { certificate: certificates.text, key: key.text };
}

function readCertificates(
  reader: SettingReader,
  variable: SettingName,
): { readonly text: string; readonly first: X509Certificate } | null {
  const text = readPem(reader, variable);
  if (text === null) return null;
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  const certificates = blocks.map(parseCertificate);
  const [first] = certificates;
  if (first === undefined) {
    reader.problems.push(
      `${variable} names a file without a PEM certificate ("-----BEGIN CERTIFICATE-----").`,
    );
    return null;
  }
  const broken = certificates.indexOf(null);
  if (first === null || broken >= 0) {
    reader.problems.push(`${variable}: certificate ${broken + 1} in its file is damaged.`);
    return null;
  }
  return { text, first };
}

function parseCertificate(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

function readPrivateKey(reader: SettingReader, variable: SettingName) {
  const text = readPem(reader, variable);
  if (text === null) return null;
  try {
    return { text, object: createPrivateKey(text) };
  } catch {
    reader.problems.push(
      /ENCRYPTED/.test(text)
        ? `${variable} names a key that is encrypted. Remove its passphrase with: openssl pkey -in <file> -out <new file>`
        : `${variable} names a file without a PEM private key ("-----BEGIN PRIVATE KEY-----").`,
    );
    return null;
  }
}

function readPem(reader: SettingReader, variable: SettingName): string | null {
  const path = reader.readOptional(variable);
  return typeof path === "string" ? reader.readText(variable, path) : null;
}
