import { join } from "node:path";
import { runCommand } from "./run-command.ts";
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
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const authority = [
    ...newKey,
    "-keyout",
    at("ca.key"),
    "-out",
    at("ca.pem"),
    "-subj",
    "/CN=ownid test authority",
  ];
  await runCommand([openssl, "req", "-x509", "-days", "2", ...authority]);
  const request = [
    ...newKey,
    "-keyout",
    at("server.key"),
    "-out",
    at("server.csr"),
    "-subj",
    "/CN=localhost",
  ];
  await runCommand([openssl, "req", "-new", ...request]);
  await Bun.write(at("server.ext"), `subjectAltName=${names}\n`);
  const signing = [
    "-CA",
    at("ca.pem"),
    "-CAkey",
    at("ca.key"),
    "-CAcreateserial",
    "-extfile",
    at("server.ext"),
  ];
  const files = ["-in", at("server.csr"), "-out", at("server.pem")];
  await runCommand([openssl, "x509", "-req", "-days", "2", ...files, ...signing]);
  return { caFile: at("ca.pem"), certificateFile: at("server.pem"), keyFile: at("server.key") };
}
