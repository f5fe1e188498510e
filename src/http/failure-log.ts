import { type ErrorCode, InternalFault, type SidecarError } from "../errors.ts";
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
const ordinary: ReadonlySet<ErrorCode> = new Set([
  "ERR_USER_UNKNOWN",
  "ERR_USER_BLOCKED",
  "ERR_SESSION_INVALID",
]);

/** Something that the request depends on could not answer it. The message of the error has the reason. */
const unanswered: ReadonlySet<ErrorCode> = new Set([
  "ERR_DATABASE_UNAVAILABLE",
  "ERR_SESSIONS_UNAVAILABLE",
  "ERR_SESSION_ROW_UNFIT",
  "ERR_SESSION_PROVIDER_UNAVAILABLE",
  "ERR_OUTCOME_UNKNOWN",
  "ERR_ERASURE_INCOMPLETE",
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
    const level = levelOf(code);
    if (!logger.isLevelEnabled(level)) return;
    const reason = unanswered.has(code) ? failure.message : failure.reason;
    if (!ordinary.has(code) && !admit(level, code, reason)) return;
    const line = { ...request, status: answers[code].status, code, ...(reason === null ? {} : { reason }) };
    if (failure instanceof InternalFault)
      logger[level]({ ...line, stack: framesOf(failure.cause) }, "the sidecar failed");
    else if (unanswered.has(code)) logger[level](line, "the request could not be answered");
    else logger[level](line, "the request was refused");
  };
}

function levelOf(code: ErrorCode): Level {
  if (code === "ERR_INTERNAL" || unanswered.has(code)) return "error";
  if (ordinary.has(code)) return "debug";
  const { status } = answers[code];
  return status === 401 || status === 409 || status >= 429 ? "warn" : "info";
}

/** Returns the stack frames. The message is left out, because it may quote data. */
function framesOf(cause: unknown): string[] {
  if (!(cause instanceof Error)) return [];
  // The stack begins with the message, and one of its lines could pass for a stack frame.
  const stack = (cause.stack ?? "").replace(cause.message, "");
  const frames = stack.split("\n").filter((line) => line.trimStart().startsWith("at "));
  return [cause.name, ...frames.map((frame) => frame.trim())];
}
