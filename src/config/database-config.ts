import { existsSync } from "node:fs";
import type { DatabaseAddress } from "./database-address.ts";
import { readCertificateAuthority, readClientCertificate } from "./pem-files.ts";
import { Secret } from "./secret.ts";
import type { SettingReader } from "./setting-reader.ts";

const clientCertificateFiles = {
  certificate: "DATABASE_TLS_CERT_FILE",
  key: "DATABASE_TLS_KEY_FILE",
} as const;

export function readDatabase(reader: SettingReader, isProduction: boolean) {
  const { read } = reader;
  return {
    ...readDatabaseAddress(reader, isProduction),
    poolMax: read("DATABASE_POOL_MAX"),
    prepare: read("DATABASE_PREPARE"),
    tlsCa: readCertificateAuthority(reader, "DATABASE_TLS_CA_FILE"),
    clientCertificate: new Secret(readClientCertificate(reader, clientCertificateFiles)),
    names: {
      table: read("USERS_TABLE"),
      loginIdColumn: read("USERS_LOGIN_ID_COLUMN"),
      ownIdDataColumn: read("USERS_OWNID_DATA_COLUMN"),
      blockedColumn: reader.readOptional("USERS_BLOCKED_COLUMN"),
    },
  };
}

function readDatabaseAddress(reader: SettingReader, isProduction: boolean) {
  const { kind, url }: DatabaseAddress = reader.read("DATABASE_URL");
  const isWrong = reader.problems.some((problem) => problem.startsWith("DATABASE_URL"));
  if (kind === "sqlite" && isProduction && !isWrong && !existsSync(url)) {
    reader.problems.push(
      `DATABASE_URL ${reader.isSet("DATABASE_URL") ? "names" : "is not set, and its default is"} an SQLite file that does not exist.`,
    );
  }
  /** Nothing is configured, so development makes a database to try. */
  const isDemo = !isProduction && !reader.isSet("DATABASE_URL");
  return { kind, url: new Secret(url), isDemo };
}
