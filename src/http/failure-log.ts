import {
  DatabaseUnavailable,
  ErasureIncomplete,
  type ErrorCode,
  InternalFault,
  OutcomeUnknown,
  SessionLedgerUnavailable,
  SessionProviderUnavailable,
  SessionRowUnfit,
  type SidecarError,
} from "../errors.ts";
import type { Logger } from "../process/logger.ts";
import { answers } from "./problem.ts";

export interface FailureLogOptions {
  readonly logger: Logger;
  /** Called for each line that is left out. */
  readonly onLeftOut: () => void;
}

export interface FailedRequest {
  readonly requestId: string;
  readonly method: string;
  /** The template of the route, never the requested path. */
  readonly route: string | null;
}

export type FailureLog = (failure: SidecarError, request: FailedRequest) => void;

/** Maximum number of lines a second for requests that fail in the same way. */
const linesPerSecondMax = 10;
const windowMs = 1000;

/** An unknown user, a blocked user and a visitor without a session are ordinary answers. */
const ordinary: ReadonlySet<string> = new Set([
  "ERR_USER_UNKNOWN",
  "ERR_USER_BLOCKED",
  "ERR_SESSION_INVALID",
]);

type Level = "error" | "warn" | "info" | "debug";

/**
 * Logs failed requests with their code and, if there is one, the reason. A flood of failures cannot flood the log:
 * for each code and reason, ten lines a second are written, and one line says how many were left out.
 */
export function createFailureLog({ logger, onLeftOut }: FailureLogOptions): FailureLog {
  const windows = new Map<string, { lines: number; leftOut: number }>();

  /** Returns whether one more line of this kind may be written now. */
  function admit(level: Level, code: ErrorCode, reason: string | null): boolean {
    const kind = `${code} ${reason}`;
    const open = windows.get(kind);
    if (open === undefined) {
      windows.set(kind, { lines: 1, leftOut: 0 });
      setTimeout(() => {
        const { leftOut = 0 } = windows.get(kind) ?? {};
        windows.delete(kind);
        if (leftOut > 0) logger[level]({ code, reason, leftOut }, "more requests failed in the same way");
      }, windowMs).unref();
      return true;
    }
    open.lines += 1;
    if (open.lines <= linesPerSecondMax) return true;
    open.leftOut += 1;
    onLeftOut();
    return false;
  }

  return (failure, request) => {
    const { code } = failure;
    const level = levelOf(failure);
    if (!logger.isLevelEnabled(level)) return;
    const reason = isUnanswered(failure) ? failure.message : failure.reason;
    if (!ordinary.has(code) && !admit(level, code, reason)) return;
    const line = { ...request, status: answers[code].status, code, ...(reason === null ? {} : { reason }) };
    if (failure instanceof InternalFault)
      logger[level]({ ...line, stack: framesOf(failure.cause) }, "the sidecar failed");
    else if (isUnanswered(failure)) logger[level](line, "the request could not be answered");
    else logger[level](line, "the request was refused");
  };
}

function levelOf(failure: SidecarError): Level {
  if (failure instanceof InternalFault || isUnanswered(failure)) return "error";
  if (ordinary.has(failure.code)) return "debug";
  const { status } = answers[failure.code];
  return status === 401 || status === 409 || status >= 429 ? "warn" : "info";
}

/** Returns whether something that the request depends on could not answer it. The message has the reason. */
function isUnanswered(failure: SidecarError): boolean {
  return (
    failure instanceof DatabaseUnavailable ||
    failure instanceof SessionLedgerUnavailable ||
    failure instanceof SessionRowUnfit ||
    failure instanceof SessionProviderUnavailable ||
    failure instanceof OutcomeUnknown ||
    failure instanceof ErasureIncomplete
  );
}

/** Returns the stack frames. The message is left out, because it may quote data. */
function framesOf(cause: unknown): string[] {
  if (!(cause instanceof Error)) return [];
  // The stack begins with the message, and one of its lines could pass for a stack frame.
  const stack = (cause.stack ?? "").replace(cause.message, "");
  const frames = stack.split("\n").filter((line) => line.trimStart().startsWith("at "));
  return [cause.name, ...frames.map((frame) => frame.trim())];
}
