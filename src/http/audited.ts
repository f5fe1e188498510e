import type { AuditEntry, AuditLog } from "../audit/audit-log.ts";
import { HandoffExchanged, RequestReplayed, SidecarError, SignatureInvalid } from "../errors.ts";

export type AuditedWork = Omit<AuditEntry, "outcome">;

/**
 * Runs the work and writes one entry with its outcome, which is `done` or the code of the error. `describe` may add to
 * the entry of a success or change its outcome. If the replay guard refused the request, the event is `replay_refused`.
 */
export async function audited<Value>(
  audit: AuditLog,
  entry: AuditedWork,
  work: () => Promise<Value>,
  describe: (value: Value) => Partial<AuditEntry> = () => ({}),
): Promise<Value> {
  try {
    const value = await work();
    audit.write({ ...entry, outcome: "done", ...describe(value) });
    return value;
  } catch (error) {
    const event = isReplay(error) ? "replay_refused" : entry.event;
    const ofSession = error instanceof HandoffExchanged ? { sid: error.sid } : {};
    audit.write({ ...entry, event, outcome: outcomeOf(error), ...ofSession });
    throw error;
  }
}

/** Writes an entry only if the replay guard refused the request. Lookups are not recorded otherwise. */
export function auditReplay(audit: AuditLog, error: unknown, entry: Omit<AuditedWork, "event">): void {
  if (isReplay(error)) audit.write({ ...entry, event: "replay_refused", outcome: outcomeOf(error) });
}

/** The signature was verified before, so only the guard can refuse it here. */
function isReplay(error: unknown): boolean {
  return error instanceof RequestReplayed || error instanceof SignatureInvalid;
}

function outcomeOf(error: unknown): string {
  return error instanceof SidecarError ? error.code : "ERR_INTERNAL";
}
