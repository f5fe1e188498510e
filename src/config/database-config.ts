import { existsSync } from "node:fs";
import type { DatabaseAddress } from "./database-address.ts";
import { type ClientCertificate, readCertificateAuthority, readClientCertificate } from "./pem-files.ts";
import { Secret } from "./secret.ts";
import { readSessionColumns } from "./session-config.ts";
import type { SettingReader } from "./setting-reader.ts";
import type { SettingName } from "./settings.ts";
import type { TlsMode } from "./tls-mode.ts";

/** How the connection to the database is encrypted. */
export interface DatabaseTls {
  readonly mode: TlsMode;
  /** PEM text; `null` means the authorities that the system trusts. */
  readonly ca: string | null;
  readonly client: ClientCertificate | null;
}

export function readDatabase(reader: SettingReader, isProduction: boolean) {
  const { read } = reader;
  const address = read("DATABASE_URL");
  const isSet = reader.isSet("DATABASE_URL");
  if (!hasProblem(reader, "DATABASE_URL")) refuseMissingFile(reader, address, isProduction);
  const prepare = read("DATABASE_PREPARE");
  if (!prepare && address.kind === "mysql") {
    reader.problems.push(
      "DATABASE_PREPARE=false is for Postgres alone: the driver of MySQL and MariaDB always prepares statements.",
    );
  }
  return {
    kind: address.kind,
    url: new Secret(address.url),
    /** Nothing is configured, so development creates a demo database. */
    isDemo: !isProduction && !isSet,
    poolMax: read("DATABASE_POOL_MAX"),
    prepare,
    tls: new Secret(readTls(reader, address)),
    names: {
      table: read("USERS_TABLE"),
      loginIdColumn: read("USERS_LOGIN_ID_COLUMN"),
      ownIdDataColumn: read("USERS_OWNID_DATA_COLUMN"),
      blockedColumn: reader.readOptional("USERS_BLOCKED_COLUMN"),
      session: readColumnsOfSessions(reader),
    },
  };
}

function readColumnsOfSessions(reader: SettingReader) {
  const { subjectColumn, claims } = readSessionColumns(reader);
  if (subjectColumn === null && claims.length === 0) return null;
  return { subject: subjectColumn, claims };
}

function refuseMissingFile(reader: SettingReader, { kind, url }: DatabaseAddress, isProduction: boolean) {
  if (kind !== "sqlite" || !isProduction || existsSync(url)) return;
  const names = reader.isSet("DATABASE_URL") ? "names" : "is not set, and its default is";
  reader.problems.push(`DATABASE_URL ${names} an SQLite file that does not exist.`);
}

/**
 * A CA file or a client certificate turns TLS on, with verification of the server's certificate unless the address
 * says otherwise. Either is refused if the address permits an unencrypted connection.
 */
function readTls(reader: SettingReader, address: DatabaseAddress): DatabaseTls {
  const ca = readCertificateAuthority(reader, "DATABASE_TLS_CA_FILE");
  const client = readClientCertificate(reader, {
    certificate: "DATABASE_TLS_CERT_FILE",
    key: "DATABASE_TLS_KEY_FILE",
  });
  const asking = (["DATABASE_TLS_CA_FILE", "DATABASE_TLS_CERT_FILE"] as const).find(reader.isSet) ?? null;
  const contradiction = hasProblem(reader, "DATABASE_") ? null : findContradiction(address, asking);
  if (contradiction !== null) reader.problems.push(contradiction);
  return { mode: strictest(address.tls, ca, asking !== null), ca, client };
}

/** `asking` is the setting that requires TLS besides the address. */
function findContradiction(
  { kind, tls, isSocket }: DatabaseAddress,
  asking: SettingName | null,
): string | null {
  const mayBePlain = tls === "disable" || tls === "prefer";
  if (asking !== null && kind === "sqlite") return `${asking} is set, but DATABASE_URL names an SQLite file.`;
  if (asking !== null && mayBePlain) {
    return `${asking} asks for TLS, but DATABASE_URL allows a connection without it: remove its TLS parameter.`;
  }
  if (isSocket && (asking !== null || !(tls === null || mayBePlain))) {
    return `${asking ?? "DATABASE_URL"} asks for TLS, which a Unix socket does not carry: name a host, or do not ask for it.`;
  }
  return null;
}

function hasProblem({ problems }: SettingReader, variable: string): boolean {
  return problems.some((problem) => problem.startsWith(variable));
}

/** An authority is configured to verify the server, so it requires more than `require` does, as in libpq. */
function strictest(mode: TlsMode | null, ca: string | null, isAsked: boolean): TlsMode {
  if (mode === null) return isAsked ? "verify-full" : "disable";
  return mode === "require" && ca !== null ? "verify-full" : mode;
}
