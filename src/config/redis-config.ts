import { readCertificateAuthority } from "./pem-files.ts";
import { Secret } from "./secret.ts";
import type { SettingReader } from "./setting-reader.ts";

export function readRedis(reader: SettingReader) {
  const [first, ...others] = reader.readOptional("REDIS_URL") ?? [];
  const mode = reader.read("REDIS_MODE");
  const sentinelMaster = reader.readOptional("REDIS_SENTINEL_MASTER");
  if (mode !== "single" && first === undefined && !reader.isSet("REDIS_URL")) {
    reader.problems.push(`REDIS_URL must name the first nodes, since REDIS_MODE is ${mode}.`);
  }
  if (mode === "single" && others.length > 0) {
    reader.problems.push("REDIS_URL has several addresses, so REDIS_MODE must be cluster or sentinel.");
  }
  if (mode === "sentinel" && sentinelMaster === null) {
    reader.problems.push("REDIS_SENTINEL_MASTER must name the master, since REDIS_MODE is sentinel.");
  }
  // Before the return, so that their problems are reported together with REDIS_URL's.
  const sentinelPassword = reader.readOptional("REDIS_SENTINEL_PASSWORD");
  const tlsCa = readCertificateAuthority(reader, "REDIS_TLS_CA_FILE");
  const keyPrefix = reader.read("REDIS_KEY_PREFIX");
  if (first === undefined) return null;
  if (tlsCa !== null && !first.tls) {
    reader.warnings.push(
      "REDIS_TLS_CA_FILE is set, but REDIS_URL begins with redis://, so nothing is encrypted: write rediss://",
    );
  }
  const nodes = [first, ...others] as const;
  return { connection: new Secret({ mode, nodes, sentinelMaster, sentinelPassword, tlsCa }), keyPrefix };
}
