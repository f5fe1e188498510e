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
 * Returns how long after it read the row a write may still take effect, in milliseconds: for two statement limits, with
 * a second to spare.
 */
export function fenceMs(statementMs: number): number {
  return 2 * statementMs + 1000;
}

/** The marker of a write must stand for as long as it may take effect, and nothing may be filled in that time. */
function readMoreThanFence(
  reader: SettingReader,
  name: "COHERENCE_GRACE_MS" | "COHERENCE_QUARANTINE_MS",
): number {
  const milliseconds = reader.read(name);
  const leastMs = fenceMs(reader.read("COHERENCE_STATEMENT_MS"));
  if (milliseconds <= leastMs) {
    reader.problems.push(
      `${name} must exceed twice COHERENCE_STATEMENT_MS plus one second, which is ${leastMs}.`,
    );
  }
  return milliseconds;
}
