import { join } from "node:path";
import { runForOutput } from "./run-for-output.ts";
import { requireProgram } from "./server-binaries.ts";

export interface TlsCertificates {
  /** What a client must trust. No system store contains it. */
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** Creates a new authority and a certificate of it for these names, valid for two days. */
export async function createTlsCertificates(
  dir: string,
  names = "DNS:localhost,IP:127.0.0.1",
): Promise<TlsCertificates> {
  const openssl = requireProgram("openssl", "openssl");
  const at = (name: string) => join(dir, name);
  const newKey = (file: string, commonName: string) => [
    ...["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", at(`${file}.key`)],
    ...["-subj", `/CN=${commonName}`],
  ];
  const authority = [...newKey("ca", "ownid test authority"), "-out", at("ca.pem")];
  await runForOutput([openssl, "req", "-x509", "-days", "2", ...authority]);
  const request = [...newKey("server", "localhost"), "-out", at("server.csr")];
  await runForOutput([openssl, "req", "-new", ...request]);
  await Bun.write(at("server.ext"), `subjectAltName=${names}\n`);
  const files = ["-in", at("server.csr"), "-extfile", at("server.ext"), "-out", at("server.pem")];
  const signer = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial"];
  await runForOutput([openssl, "x509", "-req", "-days", "2", ...files, ...signer]);
  return { caFile: at("ca.pem"), certificateFile: at("server.pem"), keyFile: at("server.key") };
}
