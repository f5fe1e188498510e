import type { SettingReader } from "./setting-reader.ts";

export function readCoherence(reader: SettingReader) {
  const { read } = reader;
  return {
    statementMs: read("COHERENCE_STATEMENT_MS"),
    tokenMs: read("COHERENCE_TOKEN_MS"),
    quarantineMs: readMoreThanFence(reader, "COHERENCE_QUARANTINE_MS"),
    graceMs: readMoreThanFence(reader, "COHERENCE_GRACE_MS"),
    ttlMs: read("REDIS_TTL_SECONDS") * 1000,
    auditShare: read("AUDIT_SHARE"),
  };
}

/**
 * A write may take effect until two statement limits after it read the row. Its marker must stand at least that long,
 * and nothing may be filled in that time.
 */
function readMoreThanFence(
  reader: SettingReader,
  name: "COHERENCE_GRACE_MS" | "COHERENCE_QUARANTINE_MS",
): number {
  const milliseconds = reader.read(name);
  const leastMs = 2 * reader.read("COHERENCE_STATEMENT_MS") + 1000;
  if (milliseconds <= leastMs) {
    reader.problems.push(
      `${name} must exceed twice COHERENCE_STATEMENT_MS plus one second, which is ${leastMs}.`,
    );
  }
  return milliseconds;
}
