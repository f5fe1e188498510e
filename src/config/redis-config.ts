import { readCertificateAuthority, readClientCertificate } from "./pem-files.ts";
import type { ParsedRedisAddress, RedisAddress } from "./redis-address.ts";
import { Secret } from "./secret.ts";
import type { SettingReader } from "./setting-reader.ts";

type RedisMode = "single" | "cluster" | "sentinel";

const clientCertificateFiles = { certificate: "REDIS_TLS_CERT_FILE", key: "REDIS_TLS_KEY_FILE" } as const;

export function readRedis(reader: SettingReader) {
  const addresses = reader.readOptional("REDIS_URL") ?? [];
  const mode = reader.read("REDIS_MODE");
  checkMode(reader, mode, addresses);
  checkAddresses(reader, mode, addresses);
  // Read before the return, so that these problems are reported together with those of REDIS_URL.
  const sentinels = readSentinels(reader, mode);
  const tlsCa = readCertificateAuthority(reader, "REDIS_TLS_CA_FILE");
  const clientCertificate = readClientCertificate(reader, clientCertificateFiles);
  const keyPrefix = reader.read("REDIS_KEY_PREFIX");
  const [first, ...others] = addresses.map(withoutParameters);
  if (first === undefined) return null;
  if (!first.tls) warnOfTlsFiles(reader);
  const nodes = [first, ...others] as const;
  return { connection: new Secret({ mode, nodes, ...sentinels, tlsCa, clientCertificate }), keyPrefix };
}

function checkMode(reader: SettingReader, mode: RedisMode, addresses: readonly RedisAddress[]): void {
  const { problems } = reader;
  if (mode !== "single" && !reader.isSet("REDIS_URL")) {
    problems.push(`REDIS_URL must name the first nodes, since REDIS_MODE is ${mode}.`);
  }
  if (mode === "single" && addresses.length > 1) {
    problems.push("REDIS_URL has several addresses, so REDIS_MODE must be cluster or sentinel.");
  }
  if (mode === "cluster" && addresses.some(({ database }) => database !== 0)) {
    problems.push("REDIS_URL ends with a database number, but a Cluster has database 0 only: remove it.");
  }
}

function checkAddresses(
  { problems }: SettingReader,
  mode: RedisMode,
  addresses: readonly ParsedRedisAddress[],
): void {
  const parameters = new Set(addresses.flatMap((address) => address.parameters));
  for (const name of parameters) problems.push(refuseParameter(name));
  const [first, ...others] = addresses;
  if (first === undefined) return;
  if (others.some(({ tls }) => tls !== first.tls)) {
    problems.push("REDIS_URL mixes redis:// and rediss://: write rediss:// everywhere, or nowhere.");
  }
  if (mode !== "single" && others.some((other) => !hasSameLogin(first, other))) {
    problems.push(
      "REDIS_URL has addresses with different users, passwords or database numbers: those of the first one are used for all.",
    );
  }
}

/** Only the first address needs a login and a database number. The others may repeat them. */
function hasSameLogin(first: RedisAddress, other: RedisAddress): boolean {
  const names = ["username", "password"] as const;
  const isSame = names.every((name) => other[name] === null || other[name] === first[name]);
  return isSame && (other.database === 0 || other.database === first.database);
}

const advice: Readonly<Record<string, string>> = {
  tls: "TLS is asked for with rediss://",
  ssl: "TLS is asked for with rediss://",
  db: "the database number is the path, as in redis://host/3",
  database: "the database number is the path, as in redis://host/3",
  user: "the user comes before the host, as in redis://user:password@host",
  username: "the user comes before the host, as in redis://user:password@host",
  password: "the password comes before the host, as in redis://user:password@host",
};

/**
 * The name of a parameter is shown only if it is a known one, since an unencoded password may look like a parameter.
 */
function refuseParameter(name: string): string {
  const known = Object.hasOwn(advice, name) ? advice[name] : undefined;
  if (known === undefined) {
    return "REDIS_URL has a parameter after a question mark, and no parameter is known: remove it; a ? within a password is written %3F.";
  }
  return `REDIS_URL has the parameter "${name}", which is not read: ${known}.`;
}

function readSentinels(reader: SettingReader, mode: RedisMode) {
  const sentinelMaster = reader.readOptional("REDIS_SENTINEL_MASTER");
  if (mode === "sentinel" && sentinelMaster === null) {
    reader.problems.push("REDIS_SENTINEL_MASTER must name the master, since REDIS_MODE is sentinel.");
  }
  return {
    sentinelMaster,
    sentinelUsername: reader.readOptional("REDIS_SENTINEL_USERNAME"),
    sentinelPassword: reader.readOptional("REDIS_SENTINEL_PASSWORD"),
    /** `null` means that REDIS_URL decides. */
    sentinelTls: reader.readOptional("REDIS_SENTINEL_TLS"),
  };
}

function warnOfTlsFiles({ isSet, warnings }: SettingReader): void {
  for (const name of ["REDIS_TLS_CA_FILE", "REDIS_TLS_CERT_FILE"] as const) {
    if (!isSet(name)) continue;
    warnings.push(
      `${name} is set, but REDIS_URL begins with redis://, so nothing is encrypted: write rediss://`,
    );
  }
}

function withoutParameters({ parameters: _, ...address }: ParsedRedisAddress): RedisAddress {
  return address;
}
