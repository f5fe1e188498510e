import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { createTlsCertificates, type TlsCertificates } from "../../scripts/servers/tls-certificates.ts";
import { readCertificateAuthority, readClientCertificate } from "../../src/config/pem-files.ts";
import { createSettingReader } from "../../src/config/setting-reader.ts";

const folder = temporaryFolder();
let files: TlsCertificates;
beforeAll(async () => {
  files = await createTlsCertificates(folder.path);
});
afterAll(() => folder[Symbol.dispose]());

const text = (path: string) => readFileSync(path, "utf8");

function write(name: string, content: string): string {
  writeFileSync(folder.at(name), content);
  return folder.at(name);
}

function authority(path: string) {
  const reader = createSettingReader({ DATABASE_TLS_CA_FILE: path });
  return { value: readCertificateAuthority(reader, "DATABASE_TLS_CA_FILE"), problems: reader.problems };
}

function client(certificate: string | undefined, key: string | undefined) {
  const reader = createSettingReader({ DATABASE_TLS_CERT_FILE: certificate, DATABASE_TLS_KEY_FILE: key });
  const variables = { certificate: "DATABASE_TLS_CERT_FILE", key: "DATABASE_TLS_KEY_FILE" } as const;
  return { value: readClientCertificate(reader, variables), problems: reader.problems };
}

describe("a certificate authority's file", () => {
  test("is taken as it is, with one certificate or several", () => {
    const one = text(files.caFile);
    expect(authority(files.caFile)).toEqual({ value: one, problems: [] });
    const bundle = write("bundle.pem", `# first\n${one}\n${text(files.certificateFile)}`);
    expect(authority(bundle)).toEqual({ value: text(bundle), problems: [] });
  });

  test("is refused by name where it holds no certificate", () => {
    const problem =
      'DATABASE_TLS_CA_FILE names a file without a PEM certificate ("-----BEGIN CERTIFICATE-----").';
    for (const content of ["", "a certificate", text(files.keyFile)]) {
      expect(authority(write("ca", content))).toEqual({ value: null, problems: [problem] });
    }
  });

  test("is refused by name and position where a certificate is damaged", () => {
    const cut = text(files.caFile).replace(/.{20}\n-----END/, "\n-----END");
    expect(authority(write("cut", text(files.caFile) + cut)).problems).toEqual([
      "DATABASE_TLS_CA_FILE: certificate 2 in its file is damaged.",
    ]);
  });

  test("is refused by name where it cannot be read", () => {
    expect(authority(folder.at("none")).problems).toEqual([
      "DATABASE_TLS_CA_FILE names a file that does not exist.",
    ]);
    expect(authority(folder.path).problems).toEqual([
      "DATABASE_TLS_CA_FILE names a folder instead of a file.",
    ]);
    expect(authority("x".repeat(300)).problems).toEqual([
      "DATABASE_TLS_CA_FILE names a file that cannot be read (ENAMETOOLONG).",
    ]);
  });
});

describe("a client certificate", () => {
  test("is the two files, where the key belongs to the certificate", () => {
    expect(client(files.certificateFile, files.keyFile)).toEqual({
      value: { certificate: text(files.certificateFile), key: text(files.keyFile) },
      problems: [],
    });
    expect(client(undefined, undefined)).toEqual({ value: null, problems: [] });
  });

  test("is refused where only one of the two is set", () => {
    expect(client(files.certificateFile, undefined).problems).toEqual([
      "DATABASE_TLS_KEY_FILE must be set, since DATABASE_TLS_CERT_FILE is: a client certificate needs both.",
    ]);
    expect(client(undefined, files.keyFile).problems).toEqual([
      "DATABASE_TLS_CERT_FILE must be set, since DATABASE_TLS_KEY_FILE is: a client certificate needs both.",
    ]);
  });

  test("is refused where the key belongs to another certificate", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const other = write("other.key", privateKey.export({ type: "pkcs8", format: "pem" }).toString());
    expect(client(files.certificateFile, other)).toEqual({
      value: null,
      problems: ["DATABASE_TLS_KEY_FILE names a key that does not belong to DATABASE_TLS_CERT_FILE."],
    });
  });

  test("is refused where the key is encrypted or no key, and the refusal never shows the file", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const cipher = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" } as const;
    const encrypted = privateKey.export(cipher).toString();
    const [problem = ""] = client(files.certificateFile, write("encrypted.key", encrypted)).problems;
    expect(problem).toStartWith("DATABASE_TLS_KEY_FILE names a key that is encrypted.");
    expect(problem).not.toContain(encrypted.split("\n")[1] ?? "-");
    expect(client(files.certificateFile, files.certificateFile).problems).toEqual([
      'DATABASE_TLS_KEY_FILE names a file without a PEM private key ("-----BEGIN PRIVATE KEY-----").',
    ]);
  });
});
