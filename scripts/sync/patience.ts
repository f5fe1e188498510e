import { setTimeout as sleep } from "node:timers/promises";
import { SqlFailed } from "../../src/directory/sql-client.ts";
import {
  HotCopyUnavailable,
  OutcomeUnknown,
  Overloaded,
  type SidecarError,
  WriteContended,
} from "../../src/errors.ts";

const firstPauseMs = 50;
const pauseMsMax = 2000;

/** How a command waits for Redis and the database. */
export interface Patience {
  /**
   * Repeats a step, with growing pauses, until it succeeds. It must be a step that may run several times.
   *
   * @param ownLimitMs how long this step is repeated instead of `limitMs`
   * @throws what the step threw last, if it still fails after the limit, if waiting does not help, or if the command was
   * told to stop
   */
  retry<Answer>(step: () => Promise<Answer>, ownLimitMs?: number): Promise<Answer>;
  /** Returns why a step is being repeated, or `null` if none is. */
  waitingFor(): string | null;
  /** Returns the limit after which a step was given up, in milliseconds; `null` if none was. */
  waitedMs(): number | null;
  /** How long a step is repeated by default, in milliseconds. */
  readonly limitMs: number;
}

/** @param stop once it is aborted, no step is repeated */
export function createPatience(limitMs: number, stop: AbortSignal): Patience {
  /** The last failure of each step that is being repeated. */
  const failures = new Map<() => unknown, string>();
  let waitedMs: number | null = null;

  async function repeat<Answer>(step: () => Promise<Answer>, stepLimitMs: number): Promise<Answer> {
    let givenUpAt = Number.POSITIVE_INFINITY;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, pauseMsMax)) {
      try {
        return await step();
      } catch (error) {
        if (!mayPass(error) || stop.aborted) throw error;
        givenUpAt = Math.min(givenUpAt, performance.now() + stepLimitMs);
        if (performance.now() >= givenUpAt) {
          waitedMs = stepLimitMs;
          throw error;
        }
        failures.set(step, failureText(error));
        await sleep(pauseMs, undefined, { signal: stop }).catch(() => {});
      }
    }
  }

  return {
    retry: (step, ownLimitMs = limitMs) => repeat(step, ownLimitMs).finally(() => failures.delete(step)),
    waitingFor: () => failures.values().next().value ?? null,
    waitedMs: () => waitedMs,
    limitMs,
  };
}

/** Some failures of Redis have no message. */
export function failureText(error: SidecarError): string {
  return error.message || (error instanceof HotCopyUnavailable ? "Redis does not answer" : error.code);
}

/** Returns whether the step may succeed later without anybody having changed the settings, privileges or data. */
function mayPass(error: unknown): error is SidecarError {
  if (error instanceof SqlFailed) return error.meaning !== "forbidden" && error.meaning !== "misfit";
  return [HotCopyUnavailable, Overloaded, OutcomeUnknown, WriteContended].some(
    (kind) => error instanceof kind,
  );
}
