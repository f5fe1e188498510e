import { SessionLedgerUnavailable } from "../errors.ts";
import {
  createSqliteSessionLedger,
  type SqliteSessionLedger,
  type SqliteSessionLedgerOptions,
} from "./sqlite-session-ledger.ts";

/**
 * Opens the state file. If it cannot be used now, the start continues with a warning: tokens can still be issued, and the
 * next use tries again.
 */
export function openStateFile(
  options: SqliteSessionLedgerOptions,
  warn: (warning: string) => void,
): SqliteSessionLedger {
  const ledger = createSqliteSessionLedger(options);
  try {
    ledger.open();
  } catch (error) {
    if (!(error instanceof SessionLedgerUnavailable)) throw error;
    warn(`${error.message}: introspection, verification and revocation answer 503 until it can.`);
  }
  return ledger;
}
