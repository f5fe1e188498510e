import { type AuditLog, createAuditLog, withoutAuditLog } from "../audit/audit-log.ts";
import type { HashLoginId } from "../audit/login-id-hash.ts";
import { type AuditFile, openAuditFile } from "./audit-file.ts";
import type { AuditOutputEvent } from "./counters.ts";
import { createLogOutput, type LogOutput } from "./log-output.ts";
import type { Log } from "./logger.ts";

/** Where the audit log goes. Like the log, it never blocks the process, and what is lost is counted and reported. */
export interface AuditOutput extends LogOutput, Pick<AuditFile, "reopen"> {}

export interface AuditOutputOptions extends Pick<Log, "logger" | "output"> {
  readonly hashLoginId: HashLoginId;
  readonly count: (event: AuditOutputEvent, entries: number) => void;
}

/**
 * Opens the audit log; without a target it writes nothing. On standard output, its entries share the memory and the limit
 * of the log.
 *
 * @param target `AUDIT_LOG`: `stdout`, or the path of a file
 * @throws {ConfigurationInvalid} the file can never be written
 */
export function openAuditLog(
  target: string | null,
  options: AuditOutputOptions,
): { readonly audit: AuditLog; readonly auditOutput: AuditOutput | null } {
  if (target === null) return { audit: withoutAuditLog, auditOutput: null };
  const { hashLoginId, count, output } = options;
  const auditOutput = target === "stdout" ? { ...output, reopen() {} } : openFile(target, options);
  const writeLine = (line: string) => {
    count("recorded", 1);
    auditOutput.write(line);
  };
  return { audit: createAuditLog({ writeLine, hashLoginId, now: Date.now }), auditOutput };
}

function openFile(
  path: string,
  { logger, count }: Pick<AuditOutputOptions, "logger" | "count">,
): AuditOutput {
  let isDropping = false;
  const file = openAuditFile({
    path,
    onTrouble(code) {
      if (code === null) {
        logger.info("AUDIT_LOG can be written again");
        return;
      }
      count("write failed", 1);
      logger.error({ code }, "AUDIT_LOG cannot be written; entries are kept in memory and written later");
    },
  });
  const buffered = createLogOutput({
    sink: file,
    onDropped(entries) {
      count("dropped", entries);
      if (!isDropping) logger.error("AUDIT_LOG cannot be written, and entries are being dropped");
      isDropping = true;
    },
    onRecovered(entries) {
      isDropping = false;
      logger.error({ entries }, "entries of the audit log were dropped while AUDIT_LOG could not be written");
    },
  });
  return { ...buffered, reopen: file.reopen };
}
