import { closeSync, constants, fstatSync, openSync, statSync, writeSync } from "node:fs";
import { codeOf } from "../error-code.ts";
import { ConfigurationInvalid } from "../errors.ts";
import type { Sink } from "./log-output.ts";

export interface AuditFileOptions {
  /** `AUDIT_LOG`. */
  readonly path: string;
  /** Called when the file begins to refuse what is written, with the error's code, and with `null` when it accepts again. */
  readonly onTrouble: (code: string | null) => void;
}

export interface AuditFile extends Sink {
  /** Opens the path again if it names another file by now. Never throws: the next write tries again. */
  reopen(): void;
}

/** How soon the rest of a batch that was written in part is retried. */
const retryMs = 200;

const noFolder = "is in a folder that does not exist. Create the folder";
const noAccess = "cannot be written by this account. Give it access to the file and its folder";
/** Errors that waiting does not end. */
const finalProblems: Readonly<Record<string, string>> = {
  ENOENT: noFolder,
  ENOTDIR: noFolder,
  EISDIR: "is a folder. Name a file",
  EACCES: noAccess,
  EPERM: noAccess,
  EROFS: "is on a file system that is mounted read-only. Name another file",
};

/**
 * Opens a file for appending; it is created with mode 0600. Each write first checks whether the path still names the open
 * file, so that the file can be rotated by renaming it, without a signal. A full disk, or a pipe without a reader, makes
 * `write` throw; it never blocks. A batch that was written in part is completed before the promise resolves, so that no
 * line is torn. If the file refuses the rest and the path no longer names it, as when a full file was deleted, the
 * promise rejects, and the batch is lost.
 *
 * @throws {ConfigurationInvalid} the file can never be written
 */
export function openAuditFile({ path, onTrouble }: AuditFileOptions): AuditFile {
  let opened: number | null = null;
  let isCompleting = false;
  let isInTrouble = false;

  /** EAGAIN means that the reader of a pipe is slow for a moment, which is not reported. */
  function reportFailure(error: unknown): void {
    const code = codeOf(error) || "unknown";
    if (!isInTrouble && code !== "EAGAIN") {
      isInTrouble = true;
      onTrouble(code);
    }
  }

  function append(file: number, bytes: Buffer, from: number): number {
    const written = writeSync(file, bytes, from);
    if (isInTrouble) onTrouble(null);
    isInTrouble = false;
    return written;
  }

  function current(): number {
    if (opened !== null && !isAt(path, opened)) {
      closeSync(opened);
      opened = null;
    }
    opened ??= openForAppending(path);
    return opened;
  }

  async function complete(file: number, bytes: Buffer, begun: number): Promise<number> {
    isCompleting = true;
    let written = begun;
    try {
      while (written < bytes.length) {
        await Bun.sleep(retryMs);
        try {
          written += append(file, bytes, written);
        } catch (error) {
          reportFailure(error);
          if (!isAt(path, file)) throw error;
        }
      }
    } finally {
      isCompleting = false;
    }
    return written;
  }

  function reopen(): void {
    if (isCompleting) return;
    try {
      current();
    } catch (error) {
      reportFailure(error);
    }
  }

  try {
    current();
  } catch (error) {
    const problem = finalProblems[codeOf(error)];
    if (problem !== undefined) throw new ConfigurationInvalid([`AUDIT_LOG: ${path} ${problem}.`]);
    reportFailure(error);
  }

  return {
    write(text) {
      const bytes = Buffer.from(text);
      try {
        const file = current();
        const written = append(file, bytes, 0);
        return written === bytes.length ? written : complete(file, bytes, written);
      } catch (error) {
        reportFailure(error);
        throw error;
      }
    },
    reopen,
  };
}

/** Without `O_NONBLOCK`, opening or writing a pipe could block the process. */
function openForAppending(path: string): number {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
  return openSync(path, flags, 0o600);
}

function isAt(path: string, file: number): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  const { dev, ino } = fstatSync(file);
  return there?.dev === dev && there.ino === ino;
}
